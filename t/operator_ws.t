#!/usr/bin/perl

# The operator's WebSocket: who gets in, and what is answered to nonsense.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_handshake_timeout 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /v1/ { uplink_api main; }
        location /small/ {
            uplink_api main;
            uplink_max_message 1k;
        }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my $op = Uplink::Operator->new($t, json => { desc => 'me' });
my $path = "/v1/operators/$op->{sid}/ws";
my $wrong = $op->{token};
$wrong =~ tr/0-9a-f/1-9a-f0/ for substr $wrong, 20;

like($op->{sid}, qr/^S-[0-9a-f]{16}$/, 'a session id');
like($op->{token}, qr/^\Q$op->{sid}\E\.[0-9a-f]{64}$/, 'a token');

# ---- the door: path, headers, protocols => status, code, protocol chosen

my $bearer = "uplink.bearer.$op->{token}";

my @door = (
    [ 'nothing', $path, undef, undef, 401, 'auth_required' ],
    [ 'only a protocol of somebody else', $path, undef, 'chat', 401,
      'auth_required' ],
    [ 'wrong Bearer', $path, $wrong, undef, 401, 'auth_failed' ],
    [ 'short Bearer', $path, 'x', undef, 401, 'auth_failed' ],
    [ 'empty Bearer', $path, '', undef, 401, 'auth_failed' ],
    [ 'wrong Bearer beside uplink.v1', $path, $wrong, 'uplink.v1', 401,
      'auth_failed' ],
    [ 'wrong token as a subprotocol', $path, undef,
      "uplink.v1, uplink.bearer.$wrong", 401, 'auth_failed' ],
    [ 'unknown session', '/v1/operators/S-0000000000000000/ws', $op->{token},
      undef, 404, 'operator_unknown' ],
    [ 'unknown session, and no token', '/v1/operators/S-1/ws', undef, undef,
      401, 'auth_required' ],
    [ 'unknown session, token to come', '/v1/operators/S-1/ws', undef,
      'uplink.v1', 404, 'operator_unknown' ],
    [ 'a name that is too long', '/v1/operators/' . ('S' x 200) . '/ws',
      $op->{token}, undef, 404, 'operator_unknown' ],
    [ 'Bearer', $path, $op->{token}, undef, 101, undef ],
    [ 'Bearer and uplink.v1', $path, $op->{token}, 'uplink.v1', 101, undef,
      'uplink.v1' ],
    [ 'subprotocol', $path, undef, "uplink.v1, $bearer", 101, undef,
      'uplink.v1' ],
    [ 'subprotocol, the other way round', $path, undef, "$bearer,uplink.v1",
      101, undef, 'uplink.v1' ],
    [ 'subprotocol without uplink.v1', $path, undef, $bearer, 101, undef ],
    [ 'token to come', $path, undef, 'uplink.v1', 101, undef, 'uplink.v1' ],
);

for (@door) {
    my ($name, $where, $token, $protocol, $status, $code, $chosen) = @$_;

    my $ws = $t->handshake($where, protocol => $protocol,
        headers => [defined $token ? (Authorization => "Bearer $token") : ()]);

    is($ws->status, $status, "$name: $status");

    if ($status == 101) {
        is($ws->header('sec-websocket-protocol'), $chosen,
            "$name: the protocol chosen");
        $ws->close;
        next;
    }

    is($ws->json->{error}{code}, $code, "$name: $code");
    is($ws->header('www-authenticate'), $status == 401 ? 'Bearer' : undef,
        "$name: WWW-Authenticate");
}

is($t->http(GET => $path)->status, 426, 'not a WebSocket: 426');
is($t->http(POST => $path, json => {})->status, 405, 'POST: 405');

for ([ 'http://evil.example', 403 ], [ 'http://localhost', 101 ]) {
    my ($origin, $status) = @$_;

    is($t->handshake($path, headers => [Origin => $origin,
        Authorization => "Bearer $op->{token}"])->status, $status,
        "Origin $origin: $status");
}

# ---- the token in the first message

sub stranger {
    return $t->ws($_[0] // $path, protocol => 'uplink.v1');
}

for ([ 'flat', { type => 'auth', token => $op->{token} } ],
     [ 'enveloped',
       { type => 'auth', payload => { token => $op->{token} } } ])
{
    my ($name, $message) = @$_;

    my $ws = stranger();
    $ws->send_json($message);

    is_deeply($ws->recv_json, { type => 'auth_ack' }, "auth, $name");
    $ws->send_json({ type => 'heartbeat', req_id => 'h1' });
    is_deeply($ws->recv_json, { type => 'heartbeat_ack', req_id => 'h1' },
        'and it is in');
    $ws->close;
}

for ([ 'a wrong token', { type => 'auth', token => $wrong }, 'auth_failed' ],
     [ 'no token', { type => 'auth' }, 'auth_failed' ],
     [ 'a number', { type => 'auth', token => 1 }, 'auth_failed' ],
     [ 'a long one', { type => 'auth', token => 'x' x 1000 }, 'auth_failed' ],
     [ 'another message first', { type => 'heartbeat' }, 'auth_required' ],
     [ 'a message without a type', {}, 'bad_message' ])
{
    my ($name, $message, $code) = @$_;

    my $ws = stranger();
    $ws->send_json($message);

    my $error = $ws->recv_json;
    is($error->{type}, 'error', "$name: error");
    is($error->{code}, $code, "$name: $code");
    $ws->expect_close(1008, "$name: 1008");
}

my $ws = stranger();
$ws->send_text('{"type":"auth","token":"' . 'x' x 4096 . '"}');
$ws->expect_close(1009, '4 KiB at most before admission');

$ws = stranger();
$ws->expect_close(1008, 'nothing within uplink_handshake_timeout');
is($ws->{close_reason}, 'handshake_timeout', 'and that is said');

is($t->http(GET => '/status')->json->{operators}{connected}, 0,
    'none of them is an operator');

# ---- messages

$op->attach;
is($t->http(GET => '/status')->json->{operators}{connected}, 1,
    'one operator');

$op->send_json({ type => 'auth', token => $op->{token} });
is($op->recv_json->{type}, 'auth_ack', 'the token may be shown again');

my @bad = (
    [ 'not JSON', 'hello', qr/^invalid JSON: / ],
    [ 'an array', '[]', qr/must be an object/ ],
    [ 'no type', '{"x":1}', qr/"type" is missing/ ],
    [ 'type of a wrong type', '{"type":1}', qr/"type" must be a string/ ],
    [ 'a member twice', '{"type":"x","type":"y"}', qr/"type"/ ],
    [ 'no req_id', '{"type":"perm_response","approved":true}',
      qr/"req_id" is missing/ ],
    [ 'extend without seconds', '{"type":"extend","req_id":"x"}',
      qr/"seconds" must be an integer/ ],
    [ 'extend by a fraction', '{"type":"extend","req_id":"x","seconds":1.5}',
      qr/"seconds" must be an integer/ ],
);

for my $round (1, 2) {
    for (@bad[0 .. 6]) {
        my ($name, $text, $want) = @$_;

        $op->send_text($text);
        my $m = $op->recv_json;
        is($m->{type}, 'error', "$name: error");
        is($m->{code}, 'bad_message', "$name: bad_message");
        like($m->{message}, $want, "$name: says what");
    }

    # any good message ends the row, also one of unknown type

    $op->send_json({ type => 'no_such_type', x => 1 });
}

$op->quiet;
my $counters = $t->http(GET => '/status')->json->{counters};
is($counters->{unknown_type}, 2, 'unknown types are counted');
is($counters->{bad_messages}, 15, 'bad ones as well');

$op->send_text($_->[1]) for @bad;

my @said;

while (my $m = $op->recv_json) {
    push @said, $m->{code};
}

is(scalar @said, 8, 'the 8th in a row is answered');
is($op->ws->{close_code}, 1008, 'then closed');

$op->attach;
$op->send_bin('x');
$op->expect_close(1003, 'binary');

$ws = $t->ws("/small/operators/$op->{sid}/ws",
    headers => [Authorization => "Bearer $op->{token}"]);
$ws->send_text('x' x 1025);
$ws->expect_close(1009, 'uplink_max_message');

is($op->delete, 204, 'the session is deleted');

unlike($t->log, qr/\Q@{[substr $op->{token}, 20]}\E/,
    'no token in the error log');

$t->finish;

done_testing;
