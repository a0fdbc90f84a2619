#!/usr/bin/perl

# What nginx -t says about the directives of credentials and origins.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', 'a:sled:' . sha256_hex('a') . "\n");
$t->write_file('bad', "# nothing\na:sled:x\n");
$t->write_file('secret', 's' x 64 . "\n");
$t->write_file('short', 's' x 31 . "\n");
$t->write_file('empty', '');
$t->write_file('noise', 'not a key');
$t->write_file('broken.pem', "-----BEGIN PUBLIC KEY-----\nx\n"
    . "-----END PUBLIC KEY-----\n");

my $dir = $t->dir;

system(<<"EOC") == 0 or die 'openssl';
exec 2> $dir/openssl.log
set -e
cd $dir
key() { openssl pkey -in \$1.key -pubout -out \$1.pem; }
openssl genrsa -out rsa.key 2048; key rsa
openssl genrsa -out small.key 1024; key small
openssl ecparam -name prime256v1 -genkey -noout -out p256.key; key p256
openssl ecparam -name secp384r1 -genkey -noout -out p384.key; key p384
openssl ecparam -name secp256k1 -genkey -noout -out k1.key; key k1
openssl genpkey -algorithm ed25519 -out ed.key; key ed
openssl req -x509 -key rsa.key -days 2 -subj /CN=x -out cert.pem
EOC

my $source = 'add "uplink_auth_tokens FILE;" or write "uplink_auth off;"';
my $t1 = 'uplink_auth_tokens %%DIR%%/tokens;';
my $key = 'uplink_auth_jwt_key';

# directives of a server with an echo door, and what nginx says; nothing: good

my @table = (
    ['', qq("uplink_echo" requires credentials but no source is configured, )
        . $source],
    ['uplink_auth required;', qq("uplink_echo" requires credentials but no )
        . "source is configured, $source"],
    ['uplink_auth_query on;', qq("uplink_echo" requires credentials but no )
        . "source is configured, $source"],
    ['uplink_auth_cookie c;', qq("uplink_echo" requires credentials but no )
        . "source is configured, $source"],
    ['uplink_auth off;'],
    ['uplink_auth optional;'],
    [$t1],
    ['uplink_identity $remote_user;'],
    ['uplink_authorize /who;'],
    ["$key HS256 file=secret;"],

    ['uplink_auth maybe;', 'invalid value "maybe"'],
    ['uplink_auth off; uplink_auth off;', '"uplink_auth" directive is '
        . 'duplicate'],
    ['uplink_auth;', 'invalid number of arguments in "uplink_auth" directive'],
    ['uplink_auth_query maybe;', 'invalid value "maybe" in '
        . '"uplink_auth_query" directive, it must be "on" or "off"'],
    ["$t1 uplink_auth_query on;", '"uplink_auth_query" lets tokens of '
        . '"uplink_echo" into access and error logs'],
    ['uplink_auth off; uplink_auth_query on;'],

    ['uplink_auth_tokens;', 'invalid number of arguments in '
        . '"uplink_auth_tokens" directive'],
    ["$t1 $t1", 'duplicate name of "a" in %%DIR%%/tokens:1, the first one is '
        . 'in %%DIR%%/tokens:1'],
    ['uplink_auth_tokens bad;', 'invalid digest in %%DIR%%/bad:2'],

    ['uplink_identity $no_such;', 'unknown "no_such" variable'],
    ['uplink_identity $remote_user; uplink_identity $remote_user;',
        '"uplink_identity" directive is duplicate'],

    ['uplink_authorize who;', 'invalid URI "who", it must begin with "/"'],
    ['uplink_authorize /a; uplink_authorize /a;',
        '"uplink_authorize" directive is duplicate'],
    ['uplink_authorize off;', qq("uplink_echo" requires credentials but no )
        . "source is configured, $source"],

    (map { ["$t1 uplink_allowed_origins $_;"] }
        'https://a.example', 'HTTP://A.example:8080', 'http://[::1]:80', '*',
        'https://a https://b', 'https://a; uplink_allowed_origins https://b',
        'chrome-extension://abcdef'),

    (map { ["$t1 uplink_allowed_origins $_;", "invalid origin \"$_\", it must "
        . 'be "scheme://host" or "scheme://host:port"'] }
        'a.example', 'https:/a', 'https://', '://a', '1http://a',
        'https://a/', 'https://a:', 'https://a:0', 'https://a:65536',
        'https://a:b', 'https://me@a', 'https://*.a', 'https://[::1',
        'https://[::1]a', 'https://a:1:2', 'null'),

    (map { ["$key $_->[0] file=$_->[1];"] }
        ['HS256', 'secret'], ['HS384', 'secret'], ['HS512', 'secret'],
        ['RS256', 'rsa.pem'], ['RS384', 'rsa.pem'], ['RS512', 'cert.pem'],
        ['PS256', 'rsa.pem'], ['ES256', 'p256.pem'], ['ES384', 'p384.pem'],
        ['EdDSA', 'ed.pem'], ['RS256', 'rsa.pem kid=k1']),

    (map { ["$key $_->[0] file=$_->[1];", "$_->[2] in \"%%DIR%%/$_->[1]\" for "
        . "\"$_->[0]\""] }
        ['HS256', 'short', 'a secret shorter than the digest (RFC 7518, 3.2)'],
        ['HS256', 'empty', 'a secret shorter than the digest (RFC 7518, 3.2)'],
        ['HS256', 'rsa.pem', 'a PEM key instead of a secret'],
        ['HS256', 'cert.pem', 'a PEM key instead of a secret'],
        ['RS256', 'secret', 'no public key or certificate in PEM'],
        ['RS256', 'rsa.key', 'no public key or certificate in PEM'],
        ['RS256', 'broken.pem', 'no public key or certificate in PEM'],
        ['RS256', 'small.pem', 'RSA key of less than 2048 bits'],
        ['RS256', 'p256.pem', 'not an RSA key'],
        ['PS256', 'ed.pem', 'not an RSA key'],
        ['ES256', 'rsa.pem', 'not an EC key'],
        ['ES256', 'p384.pem', 'not a key of the algorithm\'s curve'],
        ['ES256', 'k1.pem', 'not a key of the algorithm\'s curve'],
        ['ES384', 'p256.pem', 'not a key of the algorithm\'s curve'],
        ['EdDSA', 'p256.pem', 'not an Ed25519 key']),

    (map { ["$key $_ file=secret;", "unsupported algorithm \"$_\""] }
        'none', 'None', 'hs256', 'RS1', 'ES256K', 'PS512'),

    ["$key RS256;", "invalid number of arguments in \"$key\" directive"],
    ["$key HS256 kid=a;", "\"$key\" must have \"file\" parameter"],
    ["$key HS256 file=;", "\"$key\" must have \"file\" parameter"],
    ["$key HS256 file=secret kid=;", 'invalid parameter "kid="'],
    ["$key HS256 file=secret file=secret;", 'invalid parameter "file=secret"'],
    ["$key HS256 file=secret what=1;", 'invalid parameter "what=1"'],
    ["$key HS256 file=missing;", 'open() "%%DIR%%/missing" failed (2: No such '
        . 'file or directory)'],
    [join(' ', map { "$key HS256 file=secret kid=$_;" } 1 .. 32)],
    [join(' ', map { "$key HS256 file=secret kid=$_;" } 1 .. 33),
        'more than 32 keys'],

    ["$key HS256 file=secret; uplink_auth_jwt_leeway 5m;"],
    ["$key HS256 file=secret; uplink_auth_jwt_leeway x;",
        '"uplink_auth_jwt_leeway" directive invalid value'],
    ["$key HS256 file=secret; uplink_auth_jwt_issuer a b; "
        . 'uplink_auth_jwt_issuer c; uplink_auth_jwt_audience d;'],
);

for my $case (@table) {
    my ($directives, $message) = @$case;

    my ($code, $said, $output) = $t->check(<<"EOC");
server {
    listen 127.0.0.1:8080;
    $directives
    location /echo { uplink_echo; }
}
EOC

    my $name = length $directives ? $directives : 'nothing';

    if (!defined $message) {
        is($code . ($said // ''), 0, "good: $name") or diag $output;
        next;
    }

    # the place is that of the directive, or the end of what was merged

    $said =~ s/ in http:\d+$//;
    is($said, $message, $name);
    is($code, $message =~ /lets tokens/ ? 0 : 1, 'exit code');
}

# each directive stands at each level, and is inherited

for my $place (0 .. 2) {
    my @text = ('', '', '');
    $text[$place] = "$t1 uplink_identity \$remote_user; uplink_auth optional; "
        . 'uplink_auth_query off; uplink_allowed_origins https://a; '
        . 'uplink_auth_cookie c; uplink_authorize /who; '
        . "$key HS256 file=secret; uplink_auth_jwt_issuer i; "
        . 'uplink_auth_jwt_audience a; uplink_auth_jwt_leeway 1s;';

    my ($code, undef, $output) = $t->check("$text[0] server { $text[1] "
        . "location /echo { uplink_echo; $text[2] } }\n");
    is($code, 0, 'in ' . (qw(http server location))[$place]) or diag $output;
}

done_testing;
