#!/usr/bin/perl

# Credentials of a request: which one counts, and what comes of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '', map { sprintf "%s:%s:%s\n", @$_ }
    ['alpha', 'sled', sha256_hex('secret-a')],
    ['beta', 'operator', sha256_hex('secret b+/=')]);

$t->conf(<<'EOC')->run;
map $http_x_user $user { default $http_x_user; tab "a\tb"; }

server {
    listen 127.0.0.1:%%PORT_0%%;

    uplink_auth_tokens %%DIR%%/tokens;

    location = /required { uplink_echo; }
    location = /optional { uplink_echo; uplink_auth optional; }
    location = /off      { uplink_echo; uplink_auth off; }
    location = /query    { uplink_echo; uplink_auth_query on; }
    location = /cookie   { uplink_echo; uplink_auth_cookie Session-Id; }
    location = /identity { uplink_echo; uplink_identity $user; }
    location = /off-identity { uplink_echo; uplink_auth off;
                               uplink_identity $user; }
}
EOC

my $good = 'Bearer secret-a';

# a door, headers, a query, and the status

my @table = (
    ['required', [], '', 401],
    ['required', [Authorization => $good], '', 101],
    ['required', [Authorization => 'bearer secret-a'], '', 101],
    ['required', [Authorization => 'BEARER   secret-a'], '', 101],
    ['required', [Authorization => 'Bearer secret b+/='], '', 101],
    ['required', [Authorization => 'Bearer'], '', 401],
    ['required', [Authorization => 'Bearer secret-A'], '', 401],
    ['required', [Authorization => 'Bearer secret-a x'], '', 401],
    ['required', [Authorization => 'Bearer "secret-a"'], '', 401],
    ['required', [Authorization => 'Bearersecret-a'], '', 401],
    ['required', [Authorization => 'Basic c2VjcmV0LWE6'], '', 401],
    ['required', [Authorization => 'secret-a'], '', 401],
    ['required', [Cookie => 'Session-Id=secret-a'], '', 401],
    ['required', ['X-User' => 'carl'], '', 401],
    ['required', [], '?token=secret-a', 401],

    ['optional', [], '', 101],
    ['optional', [Authorization => $good], '', 101],
    ['optional', [Authorization => 'Bearer wrong'], '', 401],
    ['optional', [Authorization => 'Bearer'], '', 401],
    ['optional', [Authorization => 'Basic YTpi'], '', 101],
    ['optional', [], '?token=wrong', 101],

    ['off', [], '', 101],
    ['off', [Authorization => 'Bearer wrong'], '', 101],

    ['query', [], '', 401],
    ['query', [], '?token=', 401],
    ['query', [], '?token=secret-a', 101],
    ['query', [], '?x=1&token=secret-a&y=2', 101],
    ['query', [], '?TOKEN=secret-a', 101],
    ['query', [], '?token=secret%20b%2B%2f%3D', 101],
    ['query', [], '?xtoken=secret-a', 401],
    ['query', [], '?token=wrong', 401],
    ['query', [Authorization => $good], '?token=wrong', 101],
    ['query', [Authorization => 'Bearer wrong'], '?token=secret-a', 401],
    ['query', [Authorization => 'Basic YTpi'], '?token=secret-a', 101],

    ['cookie', [], '', 401],
    ['cookie', [Cookie => 'Session-Id=secret-a'], '', 101],
    ['cookie', [Cookie => 'a=b; Session-Id=secret-a; c=d'], '', 101],
    ['cookie', [Cookie => 'a=b', Cookie => 'Session-Id=secret-a'], '', 101],
    ['cookie', [Cookie => 'Session-Id='], '', 401],
    ['cookie', [Cookie => 'Session-Id=wrong'], '', 401],
    ['cookie', [Cookie => 'xSession-Id=secret-a'], '', 401],
    ['cookie', [Cookie => 'Session-Id=wrong', Authorization => $good], '',
        101],
    ['cookie', [Cookie => 'Session-Id=secret-a',
        Authorization => 'Bearer wrong'], '', 401],
    ['cookie', [Cookie => 'Session-Id=secret-a',
        Origin => 'http://localhost'], '', 101],
    ['cookie', [Cookie => 'Session-Id=secret-a',
        Origin => 'http://evil.example'], '', 403],

    ['identity', [], '', 401],
    ['identity', ['X-User' => 'carl'], '', 101],
    ['identity', ['X-User' => 'CN=carl,O=Carl & Co'], '', 101],
    ['identity', ['X-User' => 'carl', Authorization => 'Bearer wrong'], '',
        101],
    ['identity', ['X-User' => '', Authorization => $good], '', 101],
    ['identity', ['X-User' => '', Authorization => 'Bearer wrong'], '', 401],
    ['identity', ['X-User' => 'x' x 256], '', 101],
    ['identity', ['X-User' => 'x' x 257], '', 403],
    ['identity', ['X-User' => 'tab'], '', 403],
    ['identity', ['X-User' => 'carl', Origin => 'http://evil.example'], '',
        403],

    ['off-identity', [], '', 101],
    ['off-identity', ['X-User' => 'carl'], '', 101],
    ['off-identity', ['X-User' => 'tab'], '', 403],
);

for my $case (@table) {
    my ($door, $headers, $query, $status) = @$case;

    my $ws = $t->handshake("/$door$query", headers => [@$headers]);
    my $name = substr join(' ', "$door$query", @$headers), 0, 70;

    is($ws->status, $status, $name);

    if ($status == 401) {
        is($ws->header('www-authenticate'), 'Bearer', 'with a challenge');
        is($ws->header('content-type'), 'application/json', 'as JSON');
    }

    $ws->close;
}

# what is said, and what is not

my %code = (
    auth_required => [],
    auth_failed => [Authorization => 'Bearer wrong-secret'],
);

for my $code (sort keys %code) {
    my $ws = $t->handshake('/required', headers => $code{$code});
    is($ws->json->{error}{code}, $code, "code: $code");
    unlike($ws->body, qr/secret/, 'no secret in the response');
}

is($t->handshake('/identity', headers => ['X-User' => 'tab'])
    ->json->{error}{code}, 'forbidden', 'code: forbidden');

# nothing that a door sees is in the log, but for the query of the request
# line, which is core's

my @lines = grep { !/\?/ && !/\[debug\]/ } split /\n/, $t->log;

like($t->log, qr/client sent unknown token/, 'the log says what is wrong');
unlike($t->log, qr/\[(?:warn|error)\].*client/, 'at info');
is(join("\n", grep { /secret/ } @lines), '', 'and has no secret');

# twice is refused by core, which tells it in the log

for my $two ([$good, 'Bearer wrong'], ['Bearer wrong', $good]) {
    is($t->handshake('/required',
        headers => [map { (Authorization => $_) } @$two])->status, 400,
        "$two->[0], $two->[1]");
}

$t->finish;

done_testing;
