#!/usr/bin/perl

# perm_request without an operator: what is refused, in which words, and what
# ends by itself.  None of it is ever an approval.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'alpha:sled:' . sha256_hex('alpha-secret') . ":workspaces=ws-1\n",
    'beta:sled:' . sha256_hex('beta-secret') . ":workspaces=ws-1,ws-2\n",
    'gamma:sled:' . sha256_hex('gamma-secret') . "\n");

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_zone tiny 64k;
    uplink_auth off;
    uplink_resume_window 200ms;
    uplink_request_memory 200ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location = /quick {
            uplink_sled main;
            uplink_permission_timeout 300ms;
        }
        location = /deny {
            uplink_sled main;
            uplink_no_operator deny;
        }
        location = /few {
            uplink_sled main;
            uplink_max_inflight 3;
        }
        location = /large {
            uplink_sled main;
            uplink_max_message 4m;
        }
        location = /tiny { uplink_sled tiny; }
        location = /token {
            uplink_sled main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location = /named {
            uplink_sled main;
            uplink_auth optional;
            uplink_identity $arg_me;
        }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

sub denied {
    my ($ws, $req_id, $reason, $name) = @_;

    my $m = $ws->await('perm_response');

    is_deeply([sort keys %{$m // {}}], [qw(payload req_id type)],
        "$name: all three members");
    is($m->{req_id}, $req_id, "$name: req_id");
    is($m->{payload}{approved}, JSON::PP::false, "$name: not approved");
    is($m->{payload}{always_allow}, JSON::PP::false, "$name: nor for ever");
    is($m->{payload}{reason}, $reason, "$name: $reason");

    return $m;
}

# ---- bad_request

my $ws = sled($t, 'alpha');
my $n = 0;

for (
    {},
    { tool_name => 'x' },
    { tool_input => {} },
    { tool_name => '', tool_input => {} },
    { tool_name => undef, tool_input => {} },
    { tool_name => 7, tool_input => {} },
    { tool_name => ['x'], tool_input => {} },
    { tool_name => 'x', tool_input => 1, workspace_id => 7 },
    { tool_name => 'x', tool_input => 1, workspace_id => 'w' x 129 },
    { tool_name => 'x', tool_input => 1, workspace_id => "w\0" },
) {
    $n++;
    say_to($ws, 'perm_request', "bad$n", $_);
    denied($ws, "bad$n", 'bad_request', "bad request $n");
}

$ws->send_text('{"type":"perm_request","req_id":"none"}');
denied($ws, 'none', 'bad_request', 'no payload');

# refused ones are not in flight: their names are free

say_to($ws, 'perm_request', 'bad1', {});
denied($ws, 'bad1', 'bad_request', 'the same again');

# any JSON value will do, and null is one

for my $input (undef, 0, '', [], JSON::PP::false) {
    request($ws, 'any' . ++$n, tool_input => $input);
    request($ws, "any$n");
    my $m = $ws->recv_json;
    is($m->{type}, 'error', 'in flight');
    is($m->{payload}{duplicate_of}, "any$n", 'so it was taken');
    say_to($ws, 'perm_cancel', "any$n");
}

# ---- duplicates

request($ws, 'twice');
request($ws, 'twice', tool_input => 'other');

my $m = $ws->recv_json;
is($m->{type}, 'error', 'the same id again');
is($m->{req_id}, '', 'not for the one in flight');
is($m->{payload}{code}, 'duplicate_req_id', 'duplicate_req_id');
is($m->{payload}{duplicate_of}, 'twice', 'says which');

my $second = sled($t, 'alpha');
request($second, 'twice');
is($second->recv_json->{payload}{code}, 'duplicate_req_id',
    'ids are those of the logical sled');

my $third = sled($t, 'beta');
request($third, 'twice');
ok($third->quiet, 'another sled may use the same one');

# only its own connection may speak for it

say_to($second, 'perm_cancel', 'twice');
request($second, 'twice');
is($second->recv_json->{payload}{code}, 'duplicate_req_id',
    'another connection cannot cancel it');

say_to($ws, 'perm_cancel', 'twice');
request($ws, 'twice');
ok($ws->quiet, 'cancelled: the id is free, and nothing more is said');
say_to($ws, 'perm_cancel', 'twice');
say_to($ws, 'perm_cancel', 'never was');
say_to($ws, $_, 'never was', { applied => JSON::PP::true })
    for qw(perm_ack perm_applied);
ok($ws->quiet, 'nothing is said about what is not there');

$_->goodbye for $second, $third;

# ---- timeout

$ws = $t->ws('/quick');
request($ws, 'slow');
denied($ws, 'slow', 'timeout', 'nobody decides');
request($ws, 'slow');
denied($ws, 'slow', 'timeout', 'its id is free after that');

# ---- no_operator

$ws = $t->ws('/deny');
request($ws, 'alone');
denied($ws, 'alone', 'no_operator', 'nobody is there');

# ---- too_many_requests

$ws = sled($t, 'few', path => '/few');
request($ws, "f$_") for 1 .. 4;
denied($ws, 'f4', 'too_many_requests', 'the fourth of three');
$second = sled($t, 'few', path => '/few');
request($second, 'f5');
denied($second, 'f5', 'too_many_requests', 'of the logical sled');
say_to($ws, 'perm_cancel', 'f2');
ok($ws->quiet, 'one less');
request($second, 'f6');
ok($second->quiet, 'is one that is free');
$_->goodbye for $ws, $second;

# ---- too_large

$ws = $t->ws('/large');
request($ws, 'large', tool_input => 'x' x 2_000_000);
denied($ws, 'large', 'too_large', 'more than can be shown');
$ws->close;

# ---- workspaces

my @token = (path => '/token', token => 'alpha-secret');

$ws = sled($t, 'alpha', @token);
request($ws, 'w1', workspace_id => 'ws-2');
denied($ws, 'w1', 'bad_request', 'not one of its workspaces');
request($ws, 'w2', workspace_id => 'ws-1');
request($ws, 'w3');
request($ws, 'w4', workspace_id => undef);
ok($ws->quiet, 'its own, or none');
$ws->goodbye;

$ws = sled($t, 'gamma', @token, token => 'gamma-secret');
request($ws, 'w1', workspace_id => 'ws-1');
denied($ws, 'w1', 'bad_request', 'a token of no workspace');
request($ws, 'w2');
ok($ws->quiet, 'may ask without one');
$ws->goodbye;

for my $path ('/named', '/named?me=alpha') {
    $ws = $t->ws($path);
    request($ws, 'w1', workspace_id => 'ws-1');
    denied($ws, 'w1', 'bad_request', "$path: no claim to a workspace");
    request($ws, 'w2');
    ok($ws->quiet, 'may ask without one');
    $ws->goodbye;
}

$ws = $t->ws('/sled');
request($ws, 'w1', workspace_id => 'ws-1');
ok($ws->quiet, 'without credentials at all every workspace is good');
$ws->goodbye;

# ---- zone_full: one after the other, until it is

$ws = sled($t, 'big', path => '/tiny');
my $taken = 0;

while ($taken < 200) {
    request($ws, "z$taken", tool_input => 'x' x 3000);
    last if !$ws->quiet;
    $taken++;
}

cmp_ok($taken, '>', 1, 'some fit');
cmp_ok($taken, '<', 200, 'and then no more');
like($ws->{noise}{payload}, qr/"zone_full"/, 'zone_full');
like($ws->{noise}{payload}, qr/"approved":false/, 'not approved');

# who stands is still served

say_to($ws, 'heartbeat', 'h');
ok($ws->await('heartbeat_ack'), 'a heartbeat');

# connections, until they do not fit either

my (@more, $refused);

for (1 .. 300) {
    my $ws = $t->ws('/tiny');
    $refused = register($ws, agent_id => "x$_");
    push @more, $ws;
    last if !$refused->{success};
}

like($refused->{error}, qr/^zone_full: /, 'no room for another sled');
(pop @more)->expect_close(1013, 'told to come later');

my $anon = $t->ws('/tiny');
request($anon, 'a1');
denied($anon, 'a1', 'zone_full', 'nor for an unregistered one');
$anon->expect_close(1013, 'told to come later');

# and when it is empty again, all is as before

$_->goodbye for @more, $ws;

ok($t->wait_for(sub {
    my $ws = $t->ws('/tiny');
    my $reply = register($ws, agent_id => 'big');
    return $ws->close if !$reply->{success};
    my $n = 0;
    for (; $n < $taken; $n++) {
        request($ws, "z$n", tool_input => 'x' x 3000);
        last if !$ws->quiet;
    }
    $ws->goodbye;
    return $n == $taken;
}, 10), 'room again, as much as before');

$t->finish;
done_testing;
