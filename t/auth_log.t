#!/usr/bin/perl

# No secret reaches a log, not even at debug, but for what core writes of a
# request itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::JWT;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;
my $jwt = Uplink::JWT->new($t->dir);
my $key = 'the-secret-of-the-tokens-of-this-test';

$t->write_file('key', $key);
$t->write_file('jwks', $jwt->encode({ keys => [{ kty => 'oct', alg => 'HS384',
    k => 'c2VjcmV0LW9mLXRoZS1zZXQtd2hpY2gtaXMtYXQtbGVhc3Qtc28tbG9uZy1hcy1h'
        . 'LWRpZ2VzdA' }] }));

# good in a header, in a frame, in a cookie, in the query

my %secret = map { $_ => "$_-s3cr3t" } qw(header frame cookie query);

$t->write_file('tokens', join '', map {
    sprintf "%s:sled,operator:%s:workspaces=*\n", $_, sha256_hex($secret{$_})
} sort keys %secret);

$t->conf(<<'EOC', log => 'debug')->run;
uplink_zone main 1m;
log_format own '$remote_addr $uri $status';

server {
    listen 127.0.0.1:%%PORT_0%%;
    access_log %%DIR%%/own.log own;

    uplink_auth_tokens tokens;
    uplink_auth_jwt_key HS256 file=key;
    uplink_auth_jwks jwks;
    uplink_auth_cookie session;
    uplink_auth_query on;

    location = /sled { uplink_sled main; }
    location /v1/ { uplink_api main; }
    location = /echo { uplink_echo; }
    location = /status { uplink_status main; }
}
EOC

my $good = $jwt->token('HS256', \$key, { sub => 'carl', roles => 'sled' });
my $old = $jwt->token('HS256', \$key, { sub => 'carl', exp => 1 });
my $forged = $jwt->token('HS256', \'s3cr3t', { sub => 'carl' });

# in the handshake

for my $door ('/sled', '/echo', '/v1/requests') {
    for my $header (
        (map { [Authorization => "Bearer $_"] } $secret{header}, 'no-s3cr3t',
            $good, $old, $forged),
        [Cookie => "session=$secret{cookie}"],
        [Cookie => 'session=no-s3cr3t'],
    ) {
        $t->handshake($door, headers => $header)->close;
    }

    $t->handshake("$door?token=$_")->close for $secret{query}, 'no-s3cr3t';
}

# in a message: what core has not seen is nowhere

for my $token ($secret{frame}, 'wrong-frame-s3cr3t', $good, $old, $forged) {
    my $ws = $t->ws('/sled');
    register($ws, agent_id => 'x', auth_token => $token);
    $ws->close;
}

my $ws = sled($t, 'frame', token => $secret{frame});
my $ticket = $ws->{registered}{resume_token};
$ws->close;

# a session's

my $session = $t->http(POST => '/v1/operators', json => {},
    headers => [Authorization => "Bearer $secret{header}"])->json;

my @protocol = (protocol => "uplink.v1, uplink.bearer.$session->{token}");
$t->handshake("/v1/operators/$session->{sid}/ws", @protocol)->close;

$t->http(DELETE => "/v1/operators/$session->{sid}",
    headers => [Authorization => "Bearer $session->{token}"]);

like($t->log, qr/client sent unknown token/, 'it was looked at');
like($t->log, qr/client sent expired JSON web token/, 'and so were JWT');

# core's own: the request as it came in, and its query in many a message

my @ours = grep {
    !/\[debug\].*(?:http (?:request line|header|uri|args)|parse header)\b/
} split /\n/, $t->log;

s/\?token=[^"\s]*// for @ours;

my %never = (
    'a token' => qr/s3cr3t/,
    'a JWT' => qr/\Q$good\E|\Q$old\E|\Q$forged\E/,
    'a key' => qr/\Q$key\E|secret-of-the-set/,
    'a session' => qr/\Q$session->{token}\E/,
    'a resume token' => qr/\Q$ticket\E/,
    'a digest' => qr/@{[join '|', map { sha256_hex($_) } values %secret]}/i,
);

for my $what (sort keys %never) {
    is(join("\n", grep { $_ =~ $never{$what} } @ours), '', "no log has $what");
}

unlike($t->log, qr/\Q$secret{frame}\E|wrong-frame/, 'frames are nowhere');
unlike($t->read_file('own.log'), qr/s3cr3t/, 'a format without the query');
unlike($t->http(GET => '/status')->body, qr/s3cr3t|eyJ/, 'nor the status');

$t->finish(leaves => 'a sled that may resume');

done_testing;
