#!/usr/bin/perl

# When sled dials again, and where.  Uplink::Gateway plays the gateway's
# part: it says what has to be said at the moment it has to be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use Uplink::Daemon;
use Uplink::Gateway;

my $gateway = Uplink::Gateway->new;
my $sled = Uplink::Daemon->new(gateway => $gateway->url);

$sled->run('--retry-refused', '20s', '--retry-max', '10s');
my $link = $gateway->accept;
ok(!exists $link->{register}{resume}, 'the first link resumes nothing');

# ---- pings are answered, with their own words

$link->send_frame(9, 'are you there');
my $pong = $link->recv_frame;
is($pong->{opcode}, 10, 'a ping is answered');
my $key = substr $pong->{payload}, 0, 4, '';
is(substr($key x 4, 0, 13) ^ $pong->{payload}, 'are you there',
    'with what it said');

# ---- a drain says when: the old link stands until then

my $at = time;
$link->say('drain', { grace_ms => 3000, reconnect_after_ms => 700 });
my $next = $gateway->accept_http;
cmp_ok(time - $at, '>=', 0.7, 'dials when it was told to');

# it does not say who it is before all it has sent has arrived

ok(!$next->next(0.1), 'the new link waits');
$next->{error} = '';
$link->next(0.2);
is($link->{heartbeats}, 1, 'for the old one to confirm');
$gateway->admit($next, resumed => 1);
is_deeply($next->{register}{resume}, { connection_id => 'sled-1-1',
    resume_token => 'ticket-1' }, 'with the ticket of the old one');
ok(!$link->next(0.1) && $link->error eq 'timeout', 'which still stands');
$link->close;
ok($sled->wait_log(qr/registered: .* resumed/), 'resumed');
unlike($sled->log, qr/disconnected/, 'never disconnected');

# it goes sooner than it had said: when to come stands

$at = time;
$next->say('drain', { grace_ms => 3000, reconnect_after_ms => 900 });
$sled->wait_log(qr/drain: /, 2);
$next->close;
ok($sled->wait_log(qr/disconnected: .* in \d{3} ms/), 'gone too soon');
$link = $gateway->accept(resumed => 1);
cmp_ok(time - $at, '>=', 0.9, 'comes when it was told to');

# ---- what ended it, by its words

my $n = 0;

# the link ends so; the line of the log, and the time of the next try

sub ended {
    my ($re, $from, $to, $name) = @_;

    my $line = $sled->wait_log(qr/try \d+ in/, ++$n + 1) // '';
    like($line, $re, $name);
    my ($ms) = $line =~ /in (\d+) ms/;
    ok($ms >= $from && $ms <= $to, "the next try is $from to $to ms away")
        or diag($line);
    return;
}

$link->send_frame(8, pack('n', 1012) . 'restart');
ended(qr/\[warn\] disconnected: closed by the gateway: restart,/, 0, 250,
    'a restart');
$link = $gateway->accept;
$link->send_frame(8, pack('n', 1000));
ended(qr/\[warn\] disconnected: closed by the gateway, 1000,/, 0, 250,
    'a goodbye without words');
$link = $gateway->accept;
$link->send_frame(8, pack('n', 4003) . 'kicked');
ended(qr/\[error\] refused: closed by the gateway, 4003: kicked,/, 10_000,
    20_000, 'thrown out');
$sled->finish;

# ---- refusals of a registration; each by a gateway of its own, where no
# earlier sled has dialed again

sub refuser {
    $gateway = Uplink::Gateway->new;
    $sled->{gateway} = $gateway->url;
    $n = -1;
    $sled->run('--retry-refused', '20s');
    return $gateway;
}

for my $error (['auth_failed: no', 10_000, 20_000, 'refused'],
    ['version_mismatch: no', 10_000, 20_000, 'refused'],
    ['too_many_connections: no', 0, 1000, 'busy'],
    ['zone_full: no', 0, 1000, 'busy'],
    ['handshake_timeout: no', 0, 250, 'unreachable'])
{
    my ($text, $from, $to, $event) = @$error;

    refuser()->accept(registered => { success => JSON::PP::false,
        error => $text });
    ended(qr/$event: registration failed: $text/, $from, $to, $text);
    $sled->finish;
}

for my $status ([401, 10_000, 20_000, 'refused'], [403, 10_000, 20_000,
    'refused'], [429, 0, 1000, 'busy'], [503, 0, 1000, 'busy'],
    [502, 0, 250, 'unreachable'])
{
    my ($code, $from, $to, $event) = @$status;

    refuser()->accept_http($code);
    ended(qr/$event: the gateway answered $code/, $from, $to, "HTTP $code");
    $sled->finish;
}

# ---- the next gateway, whatever the failure of one was; slowly is for when
# all of them have refused

my @gateways = map { Uplink::Gateway->new } 0 .. 2;
my $several = Uplink::Daemon->new(gateway => [map { $_->url } @gateways]);
$several->run('--retry-refused', '20s');
$gateways[0]->accept_http(401);
$gateways[1]->accept_http(503);
$link = $gateways[2]->accept;
$several->wait_log(qr/registered/);
ok(1, 'the third gateway, after a refusal and a busy one');
$link->close;
$link = $gateways[2]->accept(resumed => 1);
ok($several->wait_log(qr/registered: .* resumed/),
    'a link that was lost is taken up where it was');
$link->send_frame(8, pack('n', 1008) . 'revoked');
$several->finish;

$several = Uplink::Daemon->new(gateway => [map { $_->url } @gateways]);
$several->run('--retry-refused', '20s');
$_->accept_http(403) for @gateways;
my $line = $several->wait_log(qr/try 3 in \d{5} ms/);
ok($line, 'refused by all of them: slowly');
$several->finish;

done_testing;
