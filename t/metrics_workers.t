#!/usr/bin/perl

# The metrics are right when a worker is killed and when workers change: no
# counter goes back, gauges are what is there.  Many sleds, and slow readers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;

use Uplink::Fleet;
use Uplink::HTTP;
use Uplink::Metrics;

my $t = Uplink::Fleet->new;

$t->fleet(<<'EOC', size => '4m', listen => 'sndbuf=8k')->run;
        uplink_drain_timeout 3s;
        location = /metrics { uplink_status main format=prometheus; }
        location = /by-sled {
            uplink_status main format=prometheus labels=sled;
        }
        location = /live  { uplink_status main live; }
        location = /ready { uplink_status main ready; }
EOC

# every scrape is compared with the one before, whichever worker it came from

my ($last, $back);

sub scrape {
    my $m = Uplink::Metrics->scrape($t);

    for my $key (sort keys %{$last ? $last->{value} : {}}) {
        my ($name) = split /\0/, $key;
        my $type = ($m->{family}{$name} // {})->{type} // 'histogram';

        next if $type eq 'gauge' || exists $m->{value}{$key}
            && $m->{value}{$key} >= $last->{value}{$key};

        $back = "$key: $last->{value}{$key}, then "
            . ($m->{value}{$key} // 'nothing');
    }

    return $last = $m;
}

sub decisions {
    my ($sled, $op, $n) = @_;

    for my $i (1 .. $n) {
        $sled->ask("r$i", { n => $i });
        $op->decide($op->await('perm_request'),
            approved => JSON::PP::true);
        $sled->await('perm_response');
    }

    return;
}

sub until_is {
    my ($name, @want) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($m, @got);
    my $good = $t->wait_for(sub {
        $m = scrape();
        @got = map { $m->value(@$_[1 .. $#$_]) } @want;
        return !grep { $got[$_] != $want[$_][0] } 0 .. $#want;
    });

    ok($good, $name) or diag(explain([map { [@{$want[$_]}, $got[$_]] }
        0 .. $#want]));

    return $m;
}

# ---- kill -9

my $sled = $t->sled('alpha', at => 0);
my $op = $t->operator(at => 1);
decisions($sled, $op, 20);

my $m = until_is('twenty decisions', [20, 'requests_opened_total'],
    [20, 'requests_approved_total'], [20, 'decision_seconds_count'],
    [20, 'requests_delivered_total'], [1, 'sled_connections'],
    [1, 'operators_connected']);
my $wakeups = $m->value('bus_wakeups_total');
cmp_ok($wakeups, '>=', 20, 'which took wake-ups');

my $victim = $t->pid_at(0);
$t->kill9($victim);

$m = until_is('a worker is killed: what it has counted stays',
    [1, 'workers_reaped_total'], [20, 'requests_opened_total'],
    [20, 'requests_approved_total'], [20, 'requests_delivered_total'],
    [20, 'decision_seconds_count'], [0, 'sled_connections'],
    [2, 'workers', state => 'serving'],
    [0, 'workers', state => 'draining'], [1, 'operators_connected']);
cmp_ok($m->value('bus_wakeups_total'), '>=', $wakeups,
    'also what it has counted without the lock');

$sled = $t->sled('beta', at => 0);
decisions($sled, $op, 5);
until_is('and its successor goes on', [25, 'requests_opened_total'],
    [25, 'decision_seconds_count'], [1, 'sled_connections']);


# ---- reload

# one call that the old worker has half of

my $half = $t->socket;
$half->write("GET /live HTTP/1.1\r\nHost: a\r\n");
my $other = $t->socket;
$other->write("GET /ready HTTP/1.1\r\nHost: a\r\n");

# both have been read once something behind them was

$t->http(GET => '/live') for 1 .. 4;

$t->reload(wait => 'new');
ok($sled->await('drain'), 'the sled is to come back');

$m = until_is('a reload: two generations', [2, 'workers',
    state => 'serving'], [2, 'workers', state => 'draining'],
    [2, 'connections', state => 'draining'], [25, 'requests_opened_total'],
    [25, 'decision_seconds_count']);
is($m->value('ready'), 1, 'the new worker is ready');
is($t->http(GET => '/ready')->json->{ready}, JSON::PP::true, 'and says so');
is($t->status->{drain}{workers}, 2, 'JSON knows of the drain');
is($t->status->{drain}{connections}, 2, 'and of what is left');

$half->write("Connection: close\r\n\r\n");
my $answer = $half->rest // '';
like($answer, qr{^HTTP/1.1 200 }, 'the old worker is alive');
like($answer, qr/"live":true,"draining":true/, 'and says that it drains');

$other->write("Connection: close\r\n\r\n");
$answer = $other->rest // '';
like($answer, qr{^HTTP/1.1 503 }, 'but it is not ready');
like($answer, qr/"ready":false,"reasons":\["draining"\]/, 'and says why');

my $again = $t->sled('beta', resume => $sled);
$sled->expect_close(1012);
my $op2 = $t->operator(session => $op->{session});
$op->expect_close(1012);

until_is('the old ones have gone', [2, 'workers', state => 'serving'],
    [0, 'workers', state => 'draining'],
    [0, 'connections', state => 'draining'], [25, 'requests_opened_total'],
    [1, 'sleds_resumed_total'], [1, 'sled_connections']);

decisions($again, $op2, 5);
until_is('counters go on', [30, 'requests_opened_total'],
    [30, 'decision_seconds_count'], [0, 'bus_drops_total']);

is($back, undef, 'no counter has ever gone back');

$again->goodbye;
$op2->goodbye;

# ---- many sleds

my $n = 400;
my @many = map { sprintf 's%04d', $_ } 1 .. $n;
my %ws = map { $_ => $t->ws("/sled?sled=$_") } @many;
$_->send_json({ type => 'heartbeat', req_id => '1' }) for values %ws;
$_->await('heartbeat_ack') for values %ws;

my $by = Uplink::Metrics->scrape($t, '/by-sled', limit => 10);
my $family = $by->{family}{nginx_uplink_by_sled_connections};
my @seen = sort @{$family->{order}{sled}};

# there is one more, which may still come back

is_deeply([grep { $_ ne 'alpha' } @seen], \@many, "$n sleds, each once");
is_deeply([sort @{$by->{family}{"nginx_uplink_by_sled_$_"}{order}{sled}}],
    \@seen, "all of them in $_")
    for qw(connections_paused requests terminals);
is($by->value('by_sled_connections', sled => 's0200'), 1, 'with numbers');

# who reads slowly gets it all, and nobody waits for him

my $slow = $t->socket;
setsockopt $slow->handle, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096;
$slow->write("GET /by-sled HTTP/1.0\r\nHost: a\r\n\r\n");
ok($slow->until(sub { length $_[0]->buffer > 500 }), 'a slow scrape begins');
is($t->http(GET => '/live')->status, 200, 'others are served')
    for 1 .. 4;

my $text = $slow->rest(10) // '';
$text =~ s/^.*?\r\n\r\n//s;
my $got = Uplink::Metrics->parse($text);
is_deeply([sort
    @{$got->{family}{nginx_uplink_by_sled_terminals}{order}{sled}}], \@seen,
    'and it ends');

# who goes away in the middle is no matter

for (1 .. 5) {
    my $gone = $t->socket;
    setsockopt $gone->handle, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096;
    $gone->write("GET /by-sled HTTP/1.1\r\nHost: a\r\n\r\n");
    $gone->until(sub { length $_[0]->buffer > 100 });
    $gone->close;
}

is($t->http(GET => '/live')->status, 200, 'who goes away is forgotten');

$_->send_close(1000) for values %ws;
$_->closed for values %ws;

$t->finish;

done_testing;
