#!/usr/bin/perl

# Bodies of calls: how they may come, and what is wrong with them.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    client_body_buffer_size 1k;
    client_max_body_size 256k;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my @made;

# a body and headers => status, code, message; 201 is a session

sub try {
    my ($name, $arg, $status, $code, $message) = @_;

    my $r = $t->http(POST => '/v1/operators', %$arg);
    is($r->status, $status, "$name: $status") or diag $r->body;

    return push @made, $r->json->{sid} if $status == 201;

    is($r->json->{error}{code}, $code, "$name: $code");
    like($r->json->{error}{message}, $message, "$name: says what")
        if $message;
}

sub type { return (headers => ['Content-Type' => $_[0]]) }

# ---- types

my $json = '{"desc":"x"}';

try('no type', { body => $json }, 201);
try('JSON', { body => $json, type('application/json') }, 201);
try('any case', { body => $json, type('Application/JSON') }, 201);
try('parameters',
    { body => $json, type('application/json; charset=utf-8') }, 201);
try('space before them',
    { body => $json, type('application/json ;x=y') }, 201);

for my $type ('text/plain', 'application/x-www-form-urlencoded',
    'application/jsonx', 'application', 'text/json', '')
{
    try("type \"$type\"", { body => $json, type($type) }, 415,
        'unsupported_media_type');
}

# ---- ways

try('none at all', {}, 201);
try('an empty one', { body => '' }, 201);
try('in chunks', { chunks => [split //, $json] }, 201);
try('no chunks', { chunks => [] }, 201);
try('white space around', { body => " \r\n\t$json\n " }, 201);

my $large = '{"capability_manifest":"' . 'm' x 20000 . '"}';

try('in a temporary file', { body => $large }, 201);
try('in a temporary file, in chunks',
    { chunks => [unpack '(a997)*', $large] }, 201);

my $r = $t->start(POST => '/v1/operators', raw =>
    "POST /v1/operators HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    . "Content-Length: " . length($json)
    . "\r\nExpect: 100-continue\r\n\r\n");
ok($r->until(sub { $_[0]{buffer} =~ /^HTTP\/1\.1 100 / }), '100 Continue');
$r->{buffer} = '';
$r->write($json);
is($r->finish->status, 201, 'and then the answer');
push @made, $r->json->{sid};

# a byte at a time

$r = $t->start(POST => '/v1/operators', raw => '');
$r->write($_) for split //, "POST /v1/operators HTTP/1.1\r\nHost: x\r\n"
    . "Connection: close\r\nContent-Length: " . length($json)
    . "\r\n\r\n$json";
is($r->finish->status, 201, 'a byte at a time');
push @made, $r->json->{sid};

# ---- what is wrong

try('not JSON', { body => 'hello' }, 400, 'bad_request', qr/^invalid JSON: /);
try('cut off', { body => '{"desc":' }, 400, 'bad_request', qr/^invalid JSON/);
try('something behind', { body => '{} {}' }, 400, 'bad_request',
    qr/^invalid JSON/);
try('an array', { body => '[]' }, 400, 'bad_request', qr/must be an object/);
try('a string', { body => '"x"' }, 400, 'bad_request', qr/must be an object/);
try('a member twice', { body => '{"desc":"a","desc":"b"}' }, 400,
    'bad_request', qr/duplicate member "desc"/);
try('not UTF-8', { body => "{\"desc\":\"\xff\"}" }, 400, 'bad_request',
    qr/^invalid JSON/);
try('too deep', { body => '{"desc":' . '[' x 100 . ']' x 100 . '}' }, 400,
    'bad_request', qr/^invalid JSON|dee?p/);
try('a control byte', { body => "{\"desc\":\"\x01\"}" }, 400, 'bad_request',
    qr/^invalid JSON/);

for ([ 'desc a number', '{"desc":1}', qr/"desc" must be a string/ ],
     [ 'desc too long', '{"desc":"' . 'x' x 1023 . '"}', qr/"desc"/ ],
     [ 'manifest too long',
       '{"capability_manifest":"' . 'x' x 32768 . '"}',
       qr/"capability_manifest" is longer/ ],
     [ 'workspaces a string', '{"workspaces":"a"}', qr/"workspaces" must be/ ],
     [ 'a workspace a number', '{"workspaces":[1]}', qr/a workspace must be/ ],
     [ 'an empty workspace', '{"workspaces":[""]}', qr/a workspace must be/ ],
     [ 'a long workspace', '{"workspaces":["' . 'w' x 129 . '"]}',
       qr/a workspace must be/ ],
     [ 'a workspace with U+0000', '{"workspaces":["a\u0000"]}',
       qr/a workspace must be/ ],
     [ 'too many workspaces',
       '{"workspaces":[' . join(',', map { "\"w$_\"" } 1 .. 65) . ']}',
       qr/more than 64/ ])
{
    my ($name, $body, $message) = @$_;

    try($name, { body => $body }, 400, 'bad_request', $message);
}

try('64 workspaces, some of them twice', { body =>
    '{"workspaces":[' . join(',', map { "\"w$_\"" } 1 .. 64, 1 .. 64)
    . ']}' }, 201);
try('null is nothing',
    { body => '{"desc":null,"workspaces":null,"capability_manifest":null}' },
    201);
try('unknown members', { body => '{"x":{"y":[1,2,3]}}' }, 201);

# ---- too large: it is said before it is read, or while

my $max = 256 * 1024;
my $head = '{"x":"';

try('the longest', { body => $head . 'x' x ($max - 8) . '"}' }, 201);
try('one byte more', { body => $head . 'x' x ($max - 7) . '"}' }, 413,
    'too_large', qr/client_max_body_size/);

my @chunks = ($head, map({ 'x' x 1016 } 1 .. 257), 'x' x 1024, '"}');
my $over = $max - length join '', @chunks;

$chunks[1] .= 'x' x $over;
try('the longest, in chunks', { chunks => [@chunks] }, 201);
$chunks[1] .= 'x';
try('one byte more, in chunks', { chunks => [@chunks] }, 413, 'too_large');

$r = $t->start(POST => '/v1/operators', raw =>
    "POST /v1/operators HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    . "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
is($r->finish->status, 413, 'nobody has to send it first');

# ---- the connection is good for another call after each of these

for ([ 'POST', 'operators', 415, "Content-Type: text/plain\r\n" ],
     [ 'PUT', 'operators', 405, '' ],
     [ 'POST', 'nothing', 404, '' ],
     [ 'POST', 'operators/S-1/ws', 405, '' ],
     [ 'GET', 'requests', 200, '' ],
     [ 'POST', 'operators', 400, '' ])
{
    my ($method, $path, $status, $header) = @$_;

    my $body = 'GET /no HTTP/1.1' . "\r\n\r\n" . 'x' x 3000;
    my $r = $t->start($method => '/v1/', keep => 1, raw =>
        "$method /v1/$path HTTP/1.1\r\nHost: x\r\n${header}Content-Length: "
        . length($body) . "\r\n\r\n$body"
        . "GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    my $all = $r->rest // $r->buffer;
    my @status = $all =~ m{HTTP/1\.1 (\d+) }g;

    is("@status", "$status 200", "$method $path, its body, and the next call");
}

for my $sid (@made) {
    $t->http(DELETE => "/v1/operators/$sid")->status == 204
        or fail("$sid was deleted");
}

$t->finish;

done_testing;
