#!/usr/bin/perl

# RFC 6455, section 4.2: which opening handshakes are taken, which are
# refused, and with what.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOF')->run;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        large_client_header_buffers 4 16k;

        location /echo { uplink_echo; }
        location /moved { try_files /none /echo; }
        location /added { add_header X-More yes always; uplink_echo; }
        location /slow { limit_rate 10; uplink_echo; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%% http2;
        location /echo { uplink_echo; }
    }
EOF

my $key = 'dGhlIHNhbXBsZSBub25jZQ==';
my $maker = bless {}, 'Uplink::WS';
my %code = (400 => 'bad_request', 405 => 'method_not_allowed',
    426 => 'upgrade_required');

sub works {
    my ($name, %arg) = @_;

    my $ws = $t->handshake(delete $arg{path} // '/echo', %arg);

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($ws->handshake_error, '', $name) or return $ws;

    $ws->send_text('still here');
    is(($ws->recv // {})->{payload}, 'still here', "$name: echo");

    return $ws;
}

sub refused {
    my ($status, $name, %arg) = @_;

    my $r = $t->handshake('/echo', %arg);

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($r->status, $status, $name) or return $r;
    is($r->header('content-type'), 'application/json', "$name: JSON");
    is($r->header('connection'), 'close', "$name: closed");

    return $r if ($arg{method} // '') eq 'HEAD';

    my $error = ($r->json // {})->{error} // {};

    is($error->{code}, $code{$status}, "$name: code") or diag $r->body;
    like($error->{message}, qr/\w/, "$name: message");

    return $r;
}

# ---- taken

my $ws = works('the example of the RFC', key => $key);

is($ws->{reason}, 'Switching Protocols', 'reason');
is($ws->header('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    'its answer');
is($ws->header($_), undef, "no $_")
    for qw(sec-websocket-protocol sec-websocket-extensions content-length
           transfer-encoding);

my @good = (
    'upgrade in another case' => [Upgrade => 'WebSocket'],
    'a list of upgrades' => [Upgrade => 'h2c, websocket'],
    'connection in another case' => [Connection => 'UPGRADE'],
    'a list of connections' => [Connection => 'keep-alive, Upgrade'],
    'a list with empty items' => [Connection => ',, Upgrade ,'],
    'two Connection headers'
        => [Connection => 'keep-alive', Connection => 'Upgrade'],
    'two Upgrade headers' => [Upgrade => 'h2c', Upgrade => 'websocket'],
    'an extension that we do not know'
        => ['Sec-WebSocket-Extensions' => 'permessage-deflate; x=1'],
    'subprotocols, none of ours' => ['Sec-WebSocket-Protocol' => 'a, b.c'],
    'an Origin' => [Origin => 'http://localhost'],
    'an empty body' => ['Content-Length' => 0],
    'a long header' => ['X-Long' => 'x' x 8000],
    'sixteen subprotocols'
        => ['Sec-WebSocket-Protocol' => join ',', map { "p$_" } 1 .. 16],
);

while (my ($name, $headers) = splice @good, 0, 2) {
    works($name, headers => $headers);
}

works('a key of zeros', key => 'AAAAAAAAAAAAAAAAAAAAAA==');
works('after an internal redirect', path => '/moved');
works('with limit_rate', path => '/slow');

is(works('with a filter', path => '/added')->header('x-more'), 'yes',
    'header filters work');

# ---- refused

my @bad = (
    'no upgrade' => 426, [Upgrade => undef],
    'another upgrade' => 426, [Upgrade => 'h2c'],
    'an upgrade that begins so' => 426, [Upgrade => 'websockets'],
    'no connection' => 400, [Connection => undef],
    'connection without upgrade' => 400, [Connection => 'keep-alive'],
    'no version' => 400, ['Sec-WebSocket-Version' => undef],
    'version 8' => 426, ['Sec-WebSocket-Version' => 8],
    'version 14' => 426, ['Sec-WebSocket-Version' => 14],
    'version 013' => 426, ['Sec-WebSocket-Version' => '013'],
    'an empty version' => 426, ['Sec-WebSocket-Version' => ''],
    'a list of versions' => 426, ['Sec-WebSocket-Version' => '13, 8'],
    'two versions' => 400,
        ['Sec-WebSocket-Version' => 13, 'Sec-WebSocket-Version' => 13],
    'no key' => 400, ['Sec-WebSocket-Key' => undef],
    'an empty key' => 400, ['Sec-WebSocket-Key' => ''],
    'two keys' => 400,
        ['Sec-WebSocket-Key' => $key, 'Sec-WebSocket-Key' => $key],
    'a key of 15 bytes' => 400, ['Sec-WebSocket-Key' => 'A' x 20],
    'a key of 17 bytes' => 400, ['Sec-WebSocket-Key' => 'A' x 23 . '='],
    'a key of 18 bytes' => 400, ['Sec-WebSocket-Key' => 'A' x 24],
    'a key without padding' => 400, ['Sec-WebSocket-Key' => 'A' x 22],
    'a key with a foreign letter' => 400,
        ['Sec-WebSocket-Key' => 'A' x 10 . '*' . 'A' x 11 . '=='],
    'a key in base64url' => 400,
        ['Sec-WebSocket-Key' => 'A' x 10 . '-' . 'A' x 11 . '=='],
    'a key with more padding' => 400,
        ['Sec-WebSocket-Key' => 'A' x 20 . '===='],
    'an empty list of subprotocols' => 400,
        ['Sec-WebSocket-Protocol' => ''],
    'commas for subprotocols' => 400, ['Sec-WebSocket-Protocol' => ', ,'],
    'a subprotocol twice' => 400, ['Sec-WebSocket-Protocol' => 'a, b, a'],
    'a subprotocol in two headers' => 400,
        ['Sec-WebSocket-Protocol' => 'a', 'Sec-WebSocket-Protocol' => 'a'],
    'a subprotocol with a space' => 400,
        ['Sec-WebSocket-Protocol' => 'a b'],
    'a subprotocol in quotes' => 400,
        ['Sec-WebSocket-Protocol' => '"a"'],
    'a subprotocol beyond ASCII' => 400,
        ['Sec-WebSocket-Protocol' => "\xc3\xa4"],
    'seventeen subprotocols' => 400,
        ['Sec-WebSocket-Protocol' => join ',', map { "p$_" } 1 .. 17],
);

while (my ($name, $status, $headers) = splice @bad, 0, 3) {
    my $r = refused($status, $name, headers => $headers);

    next if $status != 426;

    is($r->header('sec-websocket-version'), '13', "$name: version offered");
    is($r->header('upgrade'), 'websocket', "$name: upgrade offered");
    is($r->{reason}, 'Upgrade Required', "$name: reason");
}

refused(400, 'a body', headers => ['Content-Length' => 5], after => 'hello');
refused(400, 'a chunked body', after => "5\r\nhello\r\n0\r\n\r\n",
    headers => ['Transfer-Encoding' => 'chunked']);

for my $method (qw(POST PUT DELETE OPTIONS HEAD)) {
    my $r = refused(405, $method, method => $method);
    is($r->header('allow'), 'GET', "$method: Allow");
}

is($t->handshake('/echo', method => 'HEAD')->body, '', 'HEAD has no body');

refused(400, 'HTTP/1.0', raw => "GET /echo HTTP/1.0\r\nHost: localhost\r\n"
    . "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    . "Sec-WebSocket-Key: $key\r\nSec-WebSocket-Version: 13\r\n\r\n");

# ---- what comes behind the handshake, in the same packet

for my $case (
    ['one frame', 'x'], ['a larger one', 'y' x 500], ['an empty one', ''],
    ['one larger than the buffer of the header', 'z' x 5000],
) {
    my ($name, $text) = @$case;

    $ws = $t->ws('/echo', after => $maker->frame(1, $text));

    is($ws->recv->{payload}, $text, "pipelined: $name");
    ok($ws->goodbye, "pipelined: $name: and goes on");
}

my $frame = $maker->frame(1, 'in parts');

for my $cut (1 .. length($frame) - 1) {
    $ws = $t->ws('/echo', after => substr $frame, 0, $cut);
    $ws->send_raw(substr $frame, $cut);

    is(($ws->recv // {})->{payload}, 'in parts', "pipelined: $cut bytes");
}

$ws = $t->ws('/echo',
    after => join '', map { $maker->frame(1, "$_") } 1 .. 50);

is(join(' ', map { ($ws->recv // {})->{payload} // '-' } 1 .. 50),
    join(' ', 1 .. 50), 'pipelined: fifty');

$ws = $t->ws('/echo', after => $maker->frame(1, 'last')
    . $maker->frame(8, pack 'n', 1000));

is($ws->recv->{payload}, 'last', 'pipelined: a message and the end');
$ws->expect_close(1000, 'pipelined: the end');

$ws = $t->ws('/echo', after => "\xff\xff");
$ws->expect_close(1002, 'pipelined: no frame');

# ---- HTTP/2 has no such upgrade

sub h2 {
    my ($type, $flags, $stream, $payload) = @_;

    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

sub literal {
    return join '', "\x00", map { chr(length) . $_ } @_;
}

my $h2 = $t->socket(port => $t->port(1));

# from the static table: GET, http; literals of its names: path, authority

$h2->write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . h2(4, 0, 0, '')
    . h2(1, 5, 1, "\x82\x86\x04\x05/echo\x01\x09localhost"
        . literal('sec-websocket-key', $key)
        . literal('sec-websocket-version', 13)));

my $headers = $h2->until(sub {
    my ($self) = @_;

    while (length $self->{buffer} >= 9) {
        my ($high, $low, $type) = unpack 'CnC', $self->{buffer};
        my $length = $high << 16 | $low;

        return if length $self->{buffer} < 9 + $length;

        my $answer = substr $self->{buffer}, 0, 9 + $length, '';
        return substr $answer, 9 if $type == 1;
    }
});

# entry 12 of the static table is ":status: 400"; an update of the size of
# the dynamic one may stand before it

like($headers // '', qr/\A[\x20-\x3f]?\x8c/, 'HTTP/2 is refused');

$t->finish;

done_testing;
