#!/usr/bin/perl

# An operator's socket comes and goes: what it is told on attach, who takes
# its place, what a reload, a dead worker and a slow reader do to it.

use strict;
use warnings;

use Test::More;

use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 2m;
    uplink_auth off;
    uplink_request_memory 500ms;
    uplink_drain_timeout 2s;
    uplink_resume_window 10s;

    server {
        listen 127.0.0.1:%%PORT_0%% sndbuf=16k;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location /narrow/ { uplink_api main; uplink_send_buffer 16k; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $sled = sled($t, 'alpha', at => 0);

# ---- late joiners: what is open, oldest first

request($sled, "id$_", tool_input => $_) for 1 .. 100;
open_requests($t, 100);

my $ada = Uplink::Operator->new($t)->attach(at => 1);

is_deeply([map { $_->await('perm_request')->{tool_input} } ($ada) x 100],
    [1 .. 100], 'what is open, oldest first');
ok($ada->quiet, 'and nothing else');

# what has ended is not told to who comes later

my @open = open_requests($t, 100);
$ada->decide($_, approved => $yes) for @open[0 .. 39];
answer($sled, "id$_") for 1 .. 40;

my $eve = Uplink::Operator->new($t)->attach(at => 0);

is_deeply([map { $_->await('perm_request')->{tool_input} } ($eve) x 60],
    [41 .. 100], 'only what is still open');

is_deeply([map { $_->{pending} }
    @{$t->http(GET => '/v1/operators')->json->{operators}}], [60, 60],
    'pending, for each');

# both hear of what the other decides, in the same order

$eve->decide($open[50], approved => $no);
$ada->decide($open[51], approved => $no);

my %mine = map { $open[$_]{req_id} => $_ } 50, 51;
my @story;

for my $op ($ada, $eve) {
    my @seen;

    while (@seen < 4) {
        my $m = $op->await('request_state') or last;
        push @seen, "$mine{$m->{req_id}} $m->{state}"
            if defined $mine{$m->{req_id}};
    }

    is_deeply([sort @seen], ['50 decided', '50 delivered', '51 decided',
        '51 delivered'], 'each change is told');
    push @story, "@seen";
}

is($story[0], $story[1], 'to both in the same order');

# ---- another socket for the same session

my $first = $ada->ws;
$ada->attach(at => 0);

$first->expect_close(4001, 'the one before is replaced');
is($first->{close_reason}, 'replaced', 'and told why');

is_deeply([map { $_->await('perm_request')->{tool_input} } ($ada) x 58],
    [41 .. 50, 53 .. 100], 'the new one has what is open');
is($t->http(GET => '/status')->json->{operators}{connected}, 2,
    'two are connected');
cmp_ok($t->http(GET => '/status')->json->{counters}{operators_replaced}, '>', 0,
    'one was replaced');

# a decision that is still on its way on the old one is void

my $old = $ada->ws;
$old->{sock}->blocking(1);
my $id = $open[60]{req_id};

$ada->attach(at => 1);
$old->send_json({ type => 'perm_response', req_id => $id, approved => $yes });
$old->expect_close(4001, 'replaced');
is($t->http(GET => "/v1/requests/$id")->json->{state}, 'open',
    'what the replaced one says is void');

# ---- deleted

$eve->delete;
$eve->expect_close(1000, 'deleted');
is($t->http(GET => '/status')->json->{operators}{connected}, 1,
    'one is left');

# ---- its worker dies

my $pid = $t->pid_of($ada->ws);
$t->kill9($pid);
ok($t->wait_for(sub {
    $t->http(GET => '/status')->json->{operators}{connected} == 0;
}), 'an operator in a worker that died is not connected');

$sled = sled($t, 'alpha', resume => $sled->{registered})
    if !defined $sled->{sock} || !$sled->quiet;

$ada->attach;
my $q = $ada->await('perm_request');
$ada->decide($q, approved => $yes);
is(answer($sled, "id$q->{tool_input}")->{approved}, $yes,
    'and goes on from another');

# ---- reload: drain, come back, and the old socket goes

my $before = $ada->ws;
$t->reload(wait => 'new');

my $drain = $before->await('drain');
is($drain->{grace_ms}, 2000, 'drain: grace_ms');
cmp_ok($drain->{reconnect_after_ms}, '<=', 1000, 'half of it at most');

my $again = $sled->await('drain');
my $resumed = sled($t, 'alpha', resume => $sled->{registered});
is($resumed->{registered}{resumed}, $yes, 'the sled has resumed');
$sled = $resumed;

# still good for decisions meanwhile

my ($left) = grep { $_->{tool_input} == 100 } @{$t->http(
    GET => '/v1/requests')->json->{requests}};

$before->send_json({ type => 'perm_response', req_id => $left->{req_id},
    approved => $yes });
is(answer($sled, 'id100')->{approved}, $yes,
    'a decision from the worker that leaves');

$ada->attach;
$before->expect_close(1012, 'the new one stands: the old one goes');
is($ada->await('perm_request')->{req_id}, (open_requests($t, 56))[0]{req_id},
    'and has what is open');

# one that does not come back is closed when the grace is over

my $slow = Uplink::Operator->new($t)->attach;
$t->reload(wait => 'new');
$slow->await('drain');
$slow->expect_close(1012, 'the grace is over');

$sled = sled($t, 'alpha', resume => $sled->{registered});
$ada->attach;

# ---- one that does not read: what it missed waits in the zone

say_to($sled, 'perm_cancel', "id$_") for 1 .. 100;
open_requests($t, 0);
$ada->ws->close;

my $narrow = Uplink::Operator->new($t, api => '/narrow');
$narrow->attach(rcvbuf => 4096);

request($sled, "big$_", tool_input => "$_ " . 'x' x 3000) for 1 .. 100;
ok($t->wait_for(sub {
    $t->http(GET => '/status')->json->{requests}{pending} == 100;
}), 'all of it is open');

my @got;

for (1 .. 100) {
    my $m = $narrow->await('perm_request') or last;
    push @got, $m->{tool_input} =~ /^(\d+)/;
}

is_deeply(\@got, [1 .. 100], 'all of it, in order');

# one that is larger than the whole queue passes, alone

request($sled, 'huge', tool_input => 'x' x 20000);
request($sled, 'after', tool_input => 1);
is(length $narrow->await('perm_request')->{tool_input}, 20000,
    'larger than uplink_send_buffer');
is($narrow->await('perm_request')->{tool_input}, 1, 'the next one comes');

say_to($sled, 'perm_cancel', $_) for 'huge', 'after', map { "big$_" } 1 .. 100;
open_requests($t, 0);

$sled->send_close(1000);
$_->delete for $ada, $narrow, $slow;

$t->finish;

done_testing;
