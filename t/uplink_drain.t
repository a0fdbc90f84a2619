#!/usr/bin/perl

# A worker leaves: its sleds are told, come back one after the other, and
# lose nothing.

use strict;
use warnings;

use Test::More;

use Time::HiRes qw(time);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

my $conf = <<'EOC';
    uplink_zone main 1m;
    uplink_auth off;
    uplink_resume_window 5s;
    uplink_drain_timeout 4s;
    uplink_request_memory 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->conf($conf)->run;

# ---- reload with registered sleds, each with a request in flight

my @ws = map { sled($t, "sled-$_") } 0 .. 9;
request($ws[$_], "r$_") for 0 .. 9;
my %id = map { $_->{sled} => $_->{req_id} } open_requests($t, 10);

my $silent = $t->ws('/sled');
my $anon = $t->ws('/sled');
say_to($anon, 'heartbeat', 'h');
ok($anon->await('heartbeat_ack'), 'one that does not register');
my $busy = $t->ws('/sled');
request($busy, 'busy');
my ($busy_request) = grep { $_->{sled} =~ /^anon/ } open_requests($t, 11);

my $start = time;
my @old = $t->reload(wait => 'new');

my %after;

for my $ws (@ws) {
    my $m = $ws->await('drain');
    is_deeply([sort keys %{$m->{payload}}],
        [qw(grace_ms reconnect_after_ms)], 'drain');
    is($m->{req_id}, '', 'for no request');
    is($m->{payload}{grace_ms}, 4000, 'grace_ms');
    cmp_ok($m->{payload}{reconnect_after_ms}, '<=', 2000, 'half of it');
    $after{$m->{payload}{reconnect_after_ms}}++;
}

is(scalar(keys %after), 10, 'a different time for each, in both workers');

# half of them come back as told; the old connection goes with 1012

for my $i (0 .. 4) {
    my $new = sled($t, "sled-$i", resume => $ws[$i]{registered});
    is($new->{registered}{resumed}, JSON::PP::true, "sled-$i is back");
    $ws[$i]->expect_close(1012, "sled-$i: the old connection is closed");
    $ws[$i] = $new;
}

# meanwhile the others are served where they are

for my $i (0 .. 9) {
    is(decide($t, $id{"sled-$i"})->status, 200, "sled-$i: decided");
    is(answer($ws[$i], "r$i")->{approved}, JSON::PP::true,
        "sled-$i: answered");
}

say_to($ws[9], 'heartbeat', 'h');
ok($ws[9]->await('heartbeat_ack'), 'heartbeat to a leaving worker');
request($ws[9], 'late');
my ($late) = grep { $_->{sled} eq 'sled-9' } open_requests($t, 2);

# who has nothing to wait for goes first, who waits for an answer stays

$_->expect_close(1012, 'one that did not register') for $silent, $anon;
cmp_ok(time - $start, '<', 4, 'before the grace is over');
ok($busy->quiet, 'one with a request in flight stays');
is(decide($t, $busy_request->{req_id})->status, 200, 'decided');
ok(answer($busy, 'busy')->{approved}, 'it has its answer');
$busy->expect_close(1012, 'and goes with it');

# and at the end of the grace all go

$_->expect_close(1012, 'the grace is over') for @ws[5 .. 9];
cmp_ok(time - $start, '>=', 3.9, 'not before');

ok($t->wait_for(sub { !$t->leaving }, 10), 'the old workers are gone');

my $back = sled($t, 'sled-9', resume => $ws[9]{registered});
is($back->{registered}{resumed}, JSON::PP::true, 'late, but in time');
is(decide($t, $late->{req_id})->status, 200, 'decided');
ok(answer($back, 'late')->{approved}, 'and answered');
$_->goodbye for @ws[0 .. 4], $back;

# ---- quit: no worker follows

my $last = sled($t, 'last');
request($last, 'l1');
request($last, 'l2');
open_requests($t, 2);

$t->signal('QUIT');
ok($last->await('drain'), 'drain');

for (1 .. 2) {
    my $m = $last->await('perm_response', 10);
    is($m->{payload}{approved}, JSON::PP::false, 'nobody can decide any more');
    is($m->{payload}{reason}, 'shutdown', 'shutdown');
}

$last->expect_close(1012, 'closed');

delete $t->{zone_start};
$t->finish;
done_testing;
