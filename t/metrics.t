#!/usr/bin/perl

# The metrics: the lists in the code, docs/metrics.md and a scrape have the
# same, promtool has no remark, and what happens moves what it should.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;

use Uplink::Fleet;
use Uplink::Metrics;

my $t = Uplink::Fleet->new;

$t->fleet(<<'EOC', size => '4m');
        location = /metrics { uplink_status main format=prometheus; }
        location = /by-sled {
            uplink_status main format=prometheus labels=sled;
        }
        location = /quoted { uplink_status 'a"b\\c' format=prometheus; }
        location = /strict { uplink_sled main; uplink_max_inflight 1;
            uplink_max_message 1k; uplink_registration required; }
        location = /deny { uplink_sled main; uplink_no_operator deny; }
        location = /short { uplink_sled main;
            uplink_permission_timeout 50ms; }
EOC

my $conf = $t->read_file('nginx.conf');
$conf =~ s/(\n\s+uplink_zone main)/\n    uplink_zone 'a"b\\\\c' 1m;$1/;
$t->write_file('nginx.conf', $conf);

$t->run;

# ---- the three lists

my $source = $t->read_file("$Uplink::Test::root/src/fleet/metrics.h")
    =~ s/\\\n//gr;
my $door = $t->read_file("$Uplink::Test::root/src/door/metrics.c");

sub macro {
    my ($name) = @_;

    my ($list) = $source =~ /^#define NGX_UPLINK_$name\(_\)(.*)$/m
        or BAIL_OUT("no list $name");
    my @rows;

    while ($list =~ /_\(((?:[^()"]|"[^"]*")+)\)/g) {
        push @rows, [$1 =~ /"[^"]*"|\w+/g];
        tr/"//d for @{$rows[-1]};
    }

    return @rows;
}

my %code;

for my $row (macro('COUNTERS')) {
    $code{"$row->[0]_total"} = ['counter', $row->[1]];
}

for my $row (macro('FAMILIES')) {
    $code{"$row->[0]_total"} = ['counter', $row->[2]];
}

for my $row (macro('HISTOGRAMS')) {
    $code{$row->[0]} = ['histogram', $row->[2]];
}

while ($door =~ /\{ "(\w+)", "[^\n]*?",\s*"((?:[^"\\]|\\.)*)",/g) {
    my ($name, $help) = ($1, $2);
    $code{$name} = ['gauge', $help =~ s/\\"/"/gr];
}

$code{info} = ['gauge', '1; which fleet this is, and of which version'];

my %values;
push @{$values{"$_->[0]_total"}}, $_->[1] for macro('VALUES');

my $m = Uplink::Metrics->scrape($t, '/by-sled');
my %scrape = map {
    my $f = $m->{family}{$_};
    s/^\Q$Uplink::Metrics::prefix\E//r => [$f->{type}, $f->{help}]
} $m->names;

is_deeply(\%scrape, \%code, 'a scrape has what the lists have');

for my $name (sort keys %values) {
    my ($label) = keys %{$m->{family}{"nginx_uplink_$name"}{order}};
    is_deeply($m->{family}{"nginx_uplink_$name"}{order}{$label},
        $values{$name}, "the values of $name");
    is($values{$name}[-1], 'other', 'and the last one is for the rest');
}

my $doc = $t->read_file("$Uplink::Test::root/docs/metrics.md");
my (%doc, %doc_values);

for my $line (grep { /^\| `nginx_uplink_/ } split /\n/, $doc) {
    my ($name, $type, $labels, $help) = $line
        =~ /^\| `nginx_uplink_(\w+)` \| (\w+) \| (.+?) \| (.+) \|$/
        or fail("a row like the others: $line");
    fail("$name is there twice") if $doc{$name};
    $doc{$name} = [$type, $help];
    $doc_values{$name} = [$1 =~ /`(\w+)`/g] if $labels =~ /^`\w+`: (.*)/;
}

is_deeply(\%doc, \%code, 'and so has docs/metrics.md');

delete @doc_values{qw(workers connections)};
is_deeply(\%doc_values, \%values, 'and the values of the labels');

# the same numbers in JSON

my $json = $t->status;
my @counters = grep { !exists $values{$_} }
    grep { $code{$_}[0] eq 'counter' } keys %code;
is_deeply([sort keys %{$json->{counters}}],
    [sort map { s/_total$//r } @counters, keys %values],
    'JSON has the same counters');
is_deeply({ map { ("${_}_total" => [sort keys %{$json->{reasons}{$_}}]) }
        keys %{$json->{reasons}} },
    { map { ($_ => [sort @{$values{$_}}]) } keys %values },
    'and the same reasons');
is_deeply([sort keys %{$json->{histograms}}],
    [sort grep { $code{$_}[0] eq 'histogram' } keys %code],
    'and the same histograms');

# ---- the format

my $r = $t->http(GET => '/metrics');
is($r->header('content-type'), 'text/plain; version=0.0.4; charset=utf-8',
    'Content-Type');
my $head = $t->http(HEAD => '/metrics');
is($head->status, 200, 'HEAD');
cmp_ok($head->header('content-length'), '>', 10000, 'of as much');
is($head->body, '', 'without a body');
is($t->http(HEAD => '/by-sled')->status, 200, 'HEAD with sleds');

is($m->value('info', fleet => 'main', version => $json->{version}), 1,
    'who it is');
my $quoted = Uplink::Metrics->scrape($t, '/quoted');
is($quoted->value('info', fleet => 'a"b\\c', version => $json->{version}), 1,
    'a name of a fleet as no one should have it');

SKIP: {
    skip 'no promtool', 2 if system('promtool --version > /dev/null 2>&1');

    for my $path ('/by-sled', '/quoted') {
        $t->write_file('scrape', $t->http(GET => $path)->body);
        is(`promtool check metrics < $t->{dir}/scrape 2>&1`, '',
            "promtool has no remark to $path");
    }
}

# ---- what happens moves them

my $before;

sub begin { $before = Uplink::Metrics->scrape($t) }

sub moved {
    my ($name, @want) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $now;
    my $good = $t->wait_for(sub {
        $now = Uplink::Metrics->scrape($t);
        return !grep { $now->since($before, @$_[1 .. $#$_]) != $_->[0] }
            @want;
    });

    ok($good, $name) or do {
        diag("@$_[1 .. $#$_]: " . $now->since($before, @$_[1 .. $#$_])
            . " instead of $_->[0]") for @want;
    };

    return $now;
}

begin();
my $sled = $t->sled('a.b:c_d-e', at => 0, features => { receipts => \1 });
my $op = $t->operator(at => 1);
$sled->ask('r1', { command => 'id' });
my $q = $op->await('perm_request');
$op->decide($q, approved => JSON::PP::true);
$sled->await('perm_response');
$sled->send_json({ type => 'perm_ack', req_id => 'r1', payload => {} });
$sled->send_json({ type => 'perm_applied', req_id => 'r1',
    payload => { applied => \1 } });

my $now = moved('a decision', [1, 'requests_opened_total'],
    [1, 'requests_approved_total'], [0, 'requests_denied_total'],
    [1, 'requests_delivered_total'], [1, 'requests_applied_total'],
    [1, 'decision_seconds_count'], [1, 'applied_seconds_count'],
    [1, 'sleds'], [1, 'operators_connected']);
cmp_ok($now->value('decision_seconds_sum'), '<', 30, 'in seconds');
is($now->value('decision_seconds_bucket', le => '+Inf'), 1, 'in a bucket');
cmp_ok($now->since($before, 'bus_lag_seconds_count'), '>', 0,
    'which took the bus');
is(Uplink::Metrics->scrape($t, '/by-sled')->value('by_sled_connections',
    sled => 'a.b:c_d-e'), 1, 'a sled by its name');

begin();
$sled->ask('r2', { command => 'rm' });
$q = $op->await('perm_request');
$op->decide($q, approved => JSON::PP::false);
$sled->await('perm_response');
$sled->ask('r3', { command => 'ls' });
$q = $op->await('perm_request');
is(Uplink::Metrics->scrape($t)->value('requests_open'), 1, 'one is open');
$sled->send_json({ type => 'perm_cancel', req_id => 'r3' });
moved('a refusal, and one withdrawn', [1, 'requests_denied_total'],
    [1, 'permissions_denied_total', reason => 'operator'],
    [1, 'requests_withdrawn_total', reason => 'cancelled']);

begin();
$sled->send_json({ type => 'ask', req_id => 'q1', payload => {
    task_id => 't', question => 'why' } });
$q = $op->await('ask');
$op->send_json({ type => 'answer', req_id => $q->{req_id}, value => 1 });
$sled->await('answer');
moved('a question', [1, 'requests_answered_total'],
    [1, 'answer_seconds_count'], [0, 'decision_seconds_count']);

begin();
my $short = $t->ws('/short?sled=short');
$short->send_json({ type => 'perm_request', req_id => 'e1', payload => {
    tool_name => 'Bash', tool_input => {} } });
is($short->await('perm_response')->{payload}{reason}, 'timeout', 'expired');
moved('an expiry', [1, 'requests_expired_total', reason => 'timeout'],
    [1, 'permissions_denied_total', reason => 'timeout']);
$short->goodbye;

begin();
$sled->send_json({ type => 'perm_request', req_id => 'b1', payload => {} });
is($sled->await('perm_response')->{payload}{reason}, 'bad_request', 'bad');
moved('a bad request', [1, 'requests_refused_total', reason => 'bad_request'],
    [1, 'permissions_denied_total', reason => 'bad_request'],
    [0, 'requests_opened_total']);

begin();
my $strict = $t->ws('/strict');
$strict->send_json({ type => 'register', req_id => '', payload => {
    protocol_version => 2, agent_id => 'strict', capabilities => {} } });
$strict->await('registered');
for my $id (qw(one one two)) {
    $strict->send_json({ type => 'perm_request', req_id => $id, payload => {
        tool_name => 'Bash', tool_input => {} } });
}
$strict->await('perm_response');
moved('refusals', [1, 'requests_refused_total', reason => 'duplicate_req_id'],
    [1, 'requests_refused_total', reason => 'too_many_requests'],
    [1, 'permissions_denied_total', reason => 'too_many_requests']);

begin();
$strict->send_text('{');
$strict->await('error');
$strict->send_text('x' x 2000);
$strict->expect_close(1009);
moved('a bad message, then a bad frame', [1, 'bad_messages_total',
        door => 'sled'], [1, 'bad_frames_total', reason => 'too_large'],
    [1, 'closes_sent_total', code => 1009]);

begin();
my $ws = $t->ws('/sled');
$ws->send_raw("\x81\x00");
$ws->expect_close(1002);
$ws = $t->ws('/sled');
$ws->send_frame(1, "\xff");
$ws->expect_close(1007);
$ws = $t->ws('/sled');
$ws->send_bin('x');
$ws->expect_close(1003);
$ws = $t->ws('/sled');
$ws->close;
$ws = $t->ws('/sled');
$ws->goodbye(4321);
moved('frames and closes', [1, 'bad_frames_total', reason => 'unmasked'],
    [1, 'bad_frames_total', reason => 'invalid_utf8'],
    [1, 'bad_frames_total', reason => 'binary'],
    [1, 'closes_sent_total', code => 1002],
    [1, 'closes_sent_total', code => 1003],
    [1, 'closes_sent_total', code => 1007],
    [1, 'closes_received_total', code => 1006],
    [1, 'closes_received_total', code => 'other']);

begin();
$ws = $t->ws('/strict');
$ws->send_json({ type => 'register', req_id => '', payload => {
    protocol_version => 2, agent_id => "a\"b\n", capabilities => {} } });
$ws->expect_close(1008);
$ws = $t->ws('/strict');
$ws->send_json({ type => 'heartbeat', req_id => '' });
$ws->expect_close(1008);
moved('sleds that are refused, one with a hostile name',
    [1, 'sleds_refused_total', reason => 'agent_id_invalid'],
    [1, 'sleds_refused_total', reason => 'registration_required'],
    [2, 'closes_sent_total', code => 1008], [0, 'sleds_accepted_total']);

$op->goodbye;

begin();
$ws = $t->ws('/deny?sled=nobody');
$ws->send_json({ type => 'perm_request', req_id => 'n1', payload => {
    tool_name => 'Bash', tool_input => {} } });
$ws->await('perm_response');
moved('nobody is there', [1, 'permissions_denied_total',
    reason => 'no_operator']);
$ws->goodbye;

# terminals, within a worker and between two

for my $at (0, 1) {
    begin();

    my ($alpha, $browser) = $t->terminal(sled => { at => 0 },
        browser => { at => $at }, session => "s$at");

    $browser->type('abc');
    is($alpha->typed(3), 'abc', 'typed');
    $alpha->show("s$at", 'x' x 1000);
    is(length $browser->shown(1000), 1000, 'shown');

    $now = moved('a terminal ' . ($at ? 'between workers' : 'in one worker'),
        [1, 'terminals_opened_total'], [1, 'terminals_viewed_total'],
        [3, 'terminal_typed_bytes_total'],
        [1000, 'terminal_shown_bytes_total'],
        [1, 'terminal_open_seconds_count'], [1, 'terminals'],
        [1, 'terminal_browsers']);

    my $hops = $now->since($before, 'relay_seconds_count');

    $at ? is($hops, 2, 'two hops, one each way')
        : is($hops, 0, 'and no hop');

    $alpha->say('terminal.exit', session_id => "s$at", exit_code => 0);
    $browser->expect_close(1000);
    moved('it ends', [1, 'terminals_ended_total', reason => 'exit'],
        [0, 'terminals']);
    $alpha->goodbye;
}

begin();
$ws = $t->browser(path => '/term/nothing');
$ws->expect_close(1011);
moved('no terminal', [1, 'terminals_refused_total',
    reason => 'task_not_found']);

$now = Uplink::Metrics->scrape($t);
is($now->value('bus_drops_total'), 0, 'nothing was lost between workers');
is($now->value('zone_full_total'), 0, 'there was room');

$sled->goodbye;
$t->finish;

done_testing;
