#!/usr/bin/perl

# A real Prometheus scrapes two workers, and its API has the numbers.  The
# rules of conf-examples do what they say, and the dashboard names nothing
# that is not there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use JSON::PP ();
use POSIX qw(WNOHANG _exit);
use Test::More;

use Uplink::Fleet;
use Uplink::Metrics;

plan skip_all => 'no prometheus'
    if system('prometheus --version > /dev/null 2>&1') != 0
    || system('promtool --version > /dev/null 2>&1') != 0;

my $examples = "$Uplink::Test::root/conf-examples";
my $t = Uplink::Fleet->new;

$t->fleet(<<'EOC')->run;
        location = /metrics {
            uplink_status main format=prometheus labels=sled;
        }
EOC

# ---- rules and dashboard

my $known = Uplink::Metrics->scrape($t);

# what Prometheus makes of a metric has other names

my %names = map { $_ => 1 } $known->names;
for my $name ($known->names) {
    next if $known->{family}{$name}{type} ne 'histogram';
    $names{"${name}_$_"} = 1 for qw(bucket sum count);
}

my $rules = $t->read_file("$examples/prometheus-rules.yml");
my $dashboard = $t->read_file("$examples/grafana-dashboard.json");
my $json = eval { JSON::PP->new->utf8->decode($dashboard) };
ok($json, 'the dashboard is JSON') or diag($@);

my @panels = grep { $_->{type} ne 'row' } @{$json->{panels}};
cmp_ok(scalar @panels, '>', 15, 'with panels');
is_deeply([map { $_->{title} } grep { !$_->{targets}[0]{expr} } @panels], [],
    'each with something to show');

for (['the rules', $rules], ['the dashboard', $dashboard]) {
    my ($what, $text) = @$_;
    my %used = map { $_ => 1 } $text =~ /(nginx_uplink_\w+)/g;

    cmp_ok(scalar keys %used, '>', 10, "$what name metrics");
    is_deeply([grep { !$names{$_} } sort keys %used], [],
        'and none that is not there');
}

# label values, too

for my $text ($rules, map { $_->{expr} }
    map { @{$_->{targets}} } @panels)
{
    while ($text =~ /(nginx_uplink_\w+)\{[^}]*?(\w+)=~?"([^"\$]+)"/g) {
        my ($name, $label, $value) = ($1, $2, $3);
        my $family = $known->{family}{$name =~ s/_bucket$//r};
        ok((grep { /^(?:$value)$/ } @{$family->{order}{$label}}),
            "$name has $label $value");
    }
}

like(`promtool check rules $examples/prometheus-rules.yml 2>&1`,
    qr/SUCCESS: \d+ rules found/, 'promtool accepts the rules');

# for each alert: what makes it fire, and what does not.  Samples are of each
# minute

my @tests = (
    [UplinkDown => '5m', 'up{job="uplink"}' => '0x10', '1x10'],
    [UplinkNotReady => '8m', 'nginx_uplink_ready' => '0x10', '1x10'],
    [UplinkWorkerDied => '8m',
        'nginx_uplink_workers_reaped_total' => '0 0 0 1x7', '4x10'],
    [UplinkZoneRebuilt => '8m',
        'nginx_uplink_zone_quarantines_total' => '0 0 0 1x7', '1x10'],
    [UplinkDrainHangs => '15m',
        'nginx_uplink_workers{state="draining"}' => '1x20', '1 1 0x18'],
    [UplinkZoneFull => '8m',
        'nginx_uplink_zone_full_total' => '0 0 0 0 0 7x5', '7x10'],
    [UplinkZoneLow => '8m', ['nginx_uplink_zone_free_bytes',
        'nginx_uplink_zone_size_bytes', 'nginx_uplink_requests_remembered']
        => ['10x10', '1000x10', '0x10'], ['10x10', '1000x10', '5x10']],
    [UplinkAuditFails => '5m',
        'nginx_uplink_audit_failing' => '1x10', '0x10'],
    [UplinkAuditLost => '8m',
        'nginx_uplink_audit_lost_total' => '0 0 0 1x7', '1x10'],
    [UplinkBusDrops => '8m',
        'nginx_uplink_bus_drops_total' => '0 0 0 1x7', '0x10'],
    [UplinkBusSlow => '20m', ['nginx_uplink_bus_lag_seconds_bucket{le="0.25"}',
        'nginx_uplink_bus_lag_seconds_bucket{le="1"}',
        'nginx_uplink_bus_lag_seconds_bucket{le="+Inf"}']
        => ['0+50x20', '0+100x20', '0+100x20'],
        ['0+100x20', '0+100x20', '0+100x20']],
    [UplinkNobodyDecides => '5m', ['nginx_uplink_requests_open',
        'nginx_uplink_operators_connected'] => ['2x10', '0x10'],
        ['2x10', '1x10']],
    [UplinkRequestsExpire => '15m',
        'nginx_uplink_requests_expired_total{reason="timeout"}'
        => '0+1x20', '3x20'],
    [UplinkDecisionsNotApplied => '8m',
        'nginx_uplink_requests_failed_total' => '0 0 0 1x7', '1x10'],
    [UplinkSledsLost => '8m', ['nginx_uplink_sleds_lost_total',
        'nginx_uplink_sleds'] => ['0 0 0 0 40x6', '100x10'],
        ['0 0 0 0 8x6', '100x10']],
    [UplinkSledsRefused => '25m',
        'nginx_uplink_sleds_refused_total{reason="auth_failed"}'
        => '0+60x30', '0 0 5x28'],
    [UplinkTerminalsCut => '8m',
        'nginx_uplink_terminals_ended_total{reason="slow_consumer"}'
        => '0 0 0 2x7', '2x10'],
);

is_deeply([sort map { $_->[0] } @tests],
    [sort $rules =~ /^\s+- alert: (\w+)$/mg], 'every alert is tried');

sub rule_test {
    my ($alert, $at, $series, $values, $fires) = @_;

    my @series = ref $series ? @$series : $series;
    my @values = ref $values ? @$values : $values;

    # counted at an instant by ALERTS: labels and words do not matter here

    return join '', "  - interval: 1m\n    input_series:\n",
        (map { "      - series: '$series[$_]'\n        values: '$values[$_]'\n"
            } 0 .. $#series),
        "    promql_expr_test:\n",
        "      - expr: count(ALERTS{alertname=\"$alert\","
            . "alertstate=\"firing\"}) or vector(0)\n",
        "        eval_time: $at\n        exp_samples:\n",
        "          - value: $fires\n";
}

my $tests = "rule_files: [$examples/prometheus-rules.yml]\n"
    . "evaluation_interval: 1m\ntests:\n";

for (@tests) {
    my ($alert, $at, $series, $bad, $good) = @$_;
    $tests .= rule_test($alert, $at, $series, $bad, 1)
        . rule_test($alert, $at, $series, $good, 0);
}

$t->write_file('rules.test.yml', $tests);
my $said = `promtool test rules $t->{dir}/rules.test.yml 2>&1`;
is($?, 0, 'each fires when it should, and only then') or diag($said);

# ---- Prometheus itself

my $port = $t->port(1);

$t->write_file('prometheus.yml', $t->expand(<<'EOC'));
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [%%ROOT%%/conf-examples/prometheus-rules.yml]
scrape_configs:
  - job_name: uplink
    static_configs:
      - targets: ["127.0.0.1:%%PORT_0%%"]
EOC

my $pid = fork // die "fork: $!";

if ($pid == 0) {
    open STDOUT, '>', "$t->{dir}/prometheus.log";
    open STDERR, '>&', \*STDOUT;
    exec { 'prometheus' } 'prometheus',
        "--config.file=$t->{dir}/prometheus.yml",
        "--storage.tsdb.path=$t->{dir}/data",
        "--web.listen-address=127.0.0.1:$port" or _exit(1);
}

my $owner = $$;

sub stop_prometheus {
    return if !$pid || $$ != $owner;
    kill TERM => $pid;
    $t->wait_for(sub { waitpid($pid, WNOHANG) != 0 }, 10)
        or do { kill KILL => $pid; waitpid $pid, 0 };
    undef $pid;
    return;
}

END { my $status = $?; stop_prometheus(); $? = $status }

sub api {
    my ($path) = @_;

    my $up = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or return;
    close $up;
    my $r = $t->http(GET => "/api/v1/$path", port => $port);

    return ($r->status // 0) == 200 ? $r->json->{data} : undef;
}

sub query {
    my ($query) = @_;

    my $escaped = $query =~ s/([^A-Za-z0-9_])/sprintf '%%%02x', ord $1/ger;
    my $data = api("query?query=$escaped") or return '';

    return join ' ', map { $_->{value}[1] } @{$data->{result}};
}

my $sled = $t->sled('a.b:c', at => 0);
my $op = $t->operator(at => 1);

for my $i (1 .. 3) {
    $sled->ask("r$i", { n => $i });
    $op->decide($op->await('perm_request'), approved => JSON::PP::true);
    $sled->await('perm_response');
}

sub until_query {
    my ($query, $want) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got;
    $t->wait_for(sub { $got = query($query); $got eq $want }, 30);

    return is($got, $want, $query);
}

until_query('up', 1);
until_query('nginx_uplink_requests_approved_total', 3);
until_query('nginx_uplink_decision_seconds_count', 3);
until_query('nginx_uplink_workers{state="serving"}', 2);
until_query('nginx_uplink_by_sled_connections{sled="a.b:c"}', 1);
until_query('nginx_uplink_operators_connected', 1);
until_query('nginx_uplink_bus_drops_total', 0);

my $targets = api('targets');
is($targets->{activeTargets}[0]{health}, 'up', 'the target is up');
is($targets->{activeTargets}[0]{lastError}, '', 'without an error');

my $metadata = api('metadata');
is($metadata->{nginx_uplink_decision_seconds}[0]{type}, 'histogram',
    'it knows the types');

my $loaded = api('rules');
is_deeply([map { $_->{health} } grep { $_->{health} eq 'err' }
        map { @{$_->{rules}} } @{$loaded->{groups}}], [],
    'the rules run without an error');

for my $i (4 .. 5) {
    $sled->ask("r$i", { n => $i });
    $op->decide($op->await('perm_request'), approved => JSON::PP::false);
    $sled->await('perm_response');
}

until_query('nginx_uplink_permissions_denied_total{reason="operator"}', 2);

# what the dashboard asks is understood, and there is an answer

for my $panel (@panels) {
    my @failed;

    for my $target (@{$panel->{targets}}) {
        my $expr = $target->{expr} =~ s/\$instance/.*/gr
            =~ s/\$__rate_interval/1m/gr;
        push @failed, $expr if query($expr) eq '';
    }

    is_deeply(\@failed, [], "panel \"$panel->{title}\"");
}

stop_prometheus();

unlike($t->read_file('prometheus.log'), qr/level=(?:error|warn)\b.*scrape/,
    'it has scraped without a complaint');

$_->goodbye for $sled, $op;
$t->finish;

done_testing;
