#!/usr/bin/perl

# JSON web tokens: signatures, and everything that must not pass for one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256 sha256_hex);
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use Uplink::JWT;
use Uplink::Test;

my $t = Uplink::Test->new;
my $jwt = Uplink::JWT->new($t->dir);

my $secret = 'a secret of more than sixty-four bytes, which is enough for all '
    . 'of them';
my $binary = join '', map { chr } 1 .. 31, 10;

$t->write_file('secret', "$secret\n");
$t->write_file('binary', $binary);
$t->write_file('tokens', 'opaque:operator:' . sha256_hex('a.b.c') . "\n");

my %key = (RS256 => 'rsa', RS384 => 'rsa', RS512 => 'rsa', PS256 => 'pss',
    ES256 => 'p256', ES384 => 'p384', EdDSA => 'ed');

$jwt->generate($key{$_}, $_) for qw(RS256 PS256 ES256 ES384 EdDSA);
$jwt->generate('other', 'RS256');

# the public keys of RFC 7515, A.1 to A.3, and of RFC 8037, A

my $n = join '', qw(
    ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP
    CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47s
    oMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2
    R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoud
    F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ);
my $k = join '', qw(
    AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUu
    TwjAzZr1Z9CAow);

$t->write_file('rfc.json', $jwt->encode({ keys => [
    { kty => 'oct', alg => 'HS256', k => $k },
    { kty => 'RSA', n => $n, e => 'AQAB' },
    { kty => 'EC', crv => 'P-256',
      x => 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y => 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' },
    { kty => 'OKP', crv => 'Ed25519',
      x => '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
] }));

$t->write_file('jwks.json', $jwt->encode({ keys => [
    $jwt->jwk('rsa', 'RS256', kid => 'one', use => 'sig'),
    $jwt->jwk('p256', 'ES256', kid => 'two'),
    $jwt->jwk('p384', 'ES384'),
    $jwt->jwk('ed', 'EdDSA', kid => 'four'),
    $jwt->jwk('pss', 'PS256', kid => 'five'),
    { kty => 'oct', alg => 'HS512', kid => 'six',
      k => encode_base64url($secret) },
    { kty => 'RSA', use => 'enc', n => 'AQAB', e => 'AQAB' },
    { kty => 'EC', crv => 'P-521', x => 'AA', y => 'AA' },
    { kty => 'what' },
] }));

my $keys = join ' ', map { "uplink_auth_jwt_key $_ file="
    . ($key{$_} ? "$key{$_}.pem" : 'secret') . ';' }
    qw(HS256 HS384 HS512), sort keys %key;

$t->conf(<<"EOC")->run;
uplink_auth_cookie session;
large_client_header_buffers 4 16k;

server {
    listen 127.0.0.1:%%PORT_0%%;

    location = /all { uplink_echo; uplink_auth_tokens tokens; $keys }
    location = /rsa { uplink_echo; uplink_auth_jwt_key RS256 file=rsa.pem; }
    location = /kid { uplink_echo;
        uplink_auth_jwt_key RS256 file=rsa.pem kid=one;
        uplink_auth_jwt_key RS256 file=other.pem kid=two; }
    location = /binary { uplink_echo; uplink_auth_jwt_key HS256 file=binary; }
    location = /jwks { uplink_echo; uplink_auth_jwks jwks.json; }
    location = /rfc { uplink_echo; uplink_auth_jwks rfc.json; }
    location = /for { uplink_echo; $keys
        uplink_auth_jwt_issuer me you; uplink_auth_jwt_audience here there; }
    location = /late { uplink_echo; $keys uplink_auth_jwt_leeway 0; }
}
EOC

my $seen = 0;

# the status, and what the log says since the last time

sub asked {
    my ($door, $token, $how) = @_;

    my @header = $how ? (Cookie => "session=$token")
        : (Authorization => "Bearer $token");

    my $ws = $t->handshake("/$door", headers => \@header);
    my $status = $ws->status;
    $ws->close;

    return 101 if $status == 101;

    my $said;

    $t->wait_for(sub {
        ($said) = substr($t->log, $seen)
            =~ /(client (?:sent|").*?), client:/;
    });

    $seen = length $t->log;

    return "$status " . ($said // 'nothing');
}

my $invalid = '401 client sent JSON web token';
my $unsigned = "$invalid without a valid signature";
my $unknown = '401 client sent unknown token';

my %claims = (sub => 'alpha', roles => ['operator']);

# every algorithm, from a file and from a set

for my $alg (qw(HS256 HS384 HS512), sort keys %key) {
    my $token = $jwt->token($alg, $key{$alg} // \$secret, \%claims);

    is(asked(all => $token), 101, $alg);
    is(asked(all => $token, 'cookie'), 101, "$alg in a cookie");

    # a bit of each part

    my @part = split /\./, $token;

    my $text = decode_base64url($part[1]);
    $text =~ s/alpha/alphb/;
    is(asked(all => join '.', $part[0], encode_base64url($text), $part[2]),
        $unsigned, 'other claims');

    my $sig = decode_base64url($part[2]);
    substr($sig, 5, 1) ^= "\x01";
    my $input = "$part[0].$part[1]";

    is(asked(all => "$input." . encode_base64url($sig)), $unsigned,
        'another signature');
    is(asked(all => "$input."), $unsigned, 'no signature');
    is(asked(all => $input), $unknown, 'no third part');
    is(asked(all => "$token."), $unknown, 'a fourth part');
    is(asked(all => "$token="), $unsigned, 'padding');
    is(asked(all => "$input." . encode_base64url("$sig\0")), $unsigned,
        'a longer signature');
    is(asked(all => "$input." . encode_base64url("\0" x length $sig)),
        $unsigned, 'zeros');
}

for my $case ([RS256 => 'rsa', 'one'], [ES256 => 'p256', 'two'],
    [ES384 => 'p384', 'anything'], [EdDSA => 'ed', 'four'],
    [PS256 => 'pss', 'five'], [HS512 => \$secret, 'six'])
{
    my ($alg, $key, $kid) = @$case;

    is(asked(jwks => $jwt->token($alg, $key, \%claims, { kid => $kid })), 101,
        "$alg of a set, with kid");
    is(asked(jwks => $jwt->token($alg, $key, \%claims)), 101, 'without');
    is(asked(jwks => $jwt->token($alg, $key, \%claims, { kid => 'x' })),
        $alg eq 'ES384' ? 101 : $unsigned, 'with another');
}

is(asked(kid => $jwt->token('RS256', $_->[0], \%claims, { kid => $_->[1] })),
    $_->[2], "kid: $_->[0] as $_->[1]")
    for ['rsa', 'one', 101], ['other', 'two', 101], ['rsa', 'two', $unsigned],
        ['other', 'one', $unsigned];

is(asked(kid => $jwt->token('RS256', $_, \%claims)), 101, "no kid: $_")
    for 'rsa', 'other';

is(asked(kid => $jwt->token('RS256', 'rsa', \%claims, { kid => $_->[0] })),
    "$invalid with invalid \"kid\"", "kid: $_->[1]")
    for [1, 'a number'], [undef, 'null'], ['x' x 257, 'too long'];

is(asked(binary => $jwt->token('HS256', \$binary, \%claims)), 101,
    'a secret of bytes that ends with a line feed');

# the vectors: all expired long ago, so that what is wrong is told after the
# signature was right

my $a1 = 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9';
my $joe = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt'
    . 'cGxlLmNvbS9pc19yb290Ijp0cnVlfQ';

my @vectors = (
    ['RFC 7515 A.1, HS256 (RFC 7519 3.1)',
        "$a1.$joe.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
    ['RFC 7515 A.2, RS256', "eyJhbGciOiJSUzI1NiJ9.$joe."
        . 'cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7'
        . 'AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4'
        . 'BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K'
        . '0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv'
        . 'hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB'
        . 'p0igcN_IoypGlUPQGe77Rw'],
    ['RFC 7515 A.3, ES256', "eyJhbGciOiJFUzI1NiJ9.$joe."
        . 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA'
        . 'pmWQxfKTUJqPP3-Kg6NU1Q'],
);

for my $vector (@vectors) {
    my ($name, $token) = @$vector;

    is(asked(rfc => $token), '401 client sent expired JSON web token', $name);

    $token =~ s/eyJpc3Mi/eyJpc3Nj/;
    is(asked(rfc => $token), $unsigned, 'not for other claims');
}

is(asked(rfc => 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hg'
    . 'yY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7'
    . 'sVvpAr_MuM0KAg'), "$invalid without valid claims",
    'RFC 8037 A.4, EdDSA: signed, but text is no claims');
is(asked(rfc => "eyJhbGciOiJub25lIn0.$joe."), $unsigned,
    'RFC 7515 A.5, RFC 7519 6.1: unsecured');

# algorithms: the key has one, the token has no choice

for my $alg ('none', 'None', 'NONE', '', 'HS1', 'RS512', 'ES256') {
    is(asked(rsa => join '.', encode_base64url(qq({"alg":"$alg"})),
        encode_base64url('{"sub":"alpha","roles":["admin"]}'), ''), $unsigned,
        "alg: \"$alg\" without a signature");
}

for my $text ($jwt->slurp('rsa.pem'), $jwt->slurp('rsa.pem') =~ s/\n\z//r) {
    is(asked($_ => $jwt->token('HS256', \$text, \%claims)), $unsigned,
        "key confusion: the public key as a secret, $_") for 'rsa', 'all';
}

is(asked(rsa => $jwt->token('RS256', 'other', \%claims)), $unsigned,
    'another key of the same kind');
is(asked(all => $jwt->token('RS256', 'rsa', \%claims, { alg => 'PS256' })),
    $unsigned, 'RS256 said to be PS256');
is(asked(all => $jwt->token('RS512', 'rsa', \%claims, { alg => 'RS256' })),
    $unsigned, 'RS512 said to be RS256');

# headers

my $claims = $jwt->encode(\%claims);

is(asked(rsa => $jwt->token('RS256', 'rsa', $claims, $_->[0])), $_->[1],
    "header: " . substr $_->[0], 0, 50) for
    ['{"alg":"RS256","jwk":{"kty":"oct"},"jku":"http://x/","x":{"y":[]}}',
        101],
    ['{"alg":"RS256","crit":["b64"],"b64":false}',
        "$invalid with critical extensions"],
    ['{"typ":"JWT"}', "$invalid without \"alg\""],
    ['{"alg":["RS256"]}', "$invalid without \"alg\""],
    ['{"alg":"RS256","alg":"RS256"}', $unknown],
    ['["RS256"]', $unknown],
    ['"RS256"', $unknown],
    ['{"alg":"RS256"', $unknown],
    ["{\"alg\":\"RS256\",\"x\":\"\xff\"}", $unknown],
    ['{"alg":"RS256","x":' . '[' x 100 . ']' x 100 . '}', $unknown];

# claims

my $now = time;
my $gone = '401 client sent expired JSON web token';
my $early = "$invalid that is not valid yet";

sub claims {
    my ($door, $given, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $text = ref $given ? { %claims, %$given } : $given;
    delete $text->{$_} for grep { !defined $given->{$_} } ref $given
        ? keys %$given : ();

    is(asked($door => $jwt->token('HS256', \$secret, $text)), $expected,
        $name);
}

claims(all => { exp => $now + 100 }, 101, 'exp in the future');
claims(all => { exp => $now - 30 }, 101, 'exp within the leeway');
claims(all => { exp => $now - 90 }, $gone, 'exp in the past');
claims(late => { exp => $now - 2 }, $gone, 'exp in the past, no leeway');
claims(all => { exp => $now + 100.5 }, 101, 'exp with a fraction');
claims(all => { exp => 0 }, $gone, 'exp: 0');
claims(all => { exp => -1 }, $gone, 'exp: -1');
claims(all => { exp => 999999999999999 }, 101, 'exp: far away');
claims(all => { exp => 9999999999999999 }, $gone, 'exp: out of range');
claims(all => { exp => "$now" . '0' }, $gone, 'exp: a string');
claims(all => { exp => [$now + 100] }, $gone, 'exp: an array');
claims(all => '{"sub":"a","roles":["sled"],"exp":null}', $gone, 'exp: null');
claims(all => '{"sub":"a","roles":["sled"],"exp":1e12}', $gone, 'exp: 1e12');
claims(all => '{"sub":"a","roles":["sled"],"exp":9,"exp":99999999999}',
    "$invalid without valid claims", 'exp twice');

claims(all => { nbf => $now + 30 }, 101, 'nbf within the leeway');
claims(all => { nbf => $now + 90 }, $early, 'nbf in the future');
claims(all => { nbf => 'x' }, $early, 'nbf: a string');
claims(all => { iat => 'x' }, 101, 'iat is not asked');

my $issuer = "$invalid of an issuer not in \"uplink_auth_jwt_issuer\"";
my $aud = "$invalid for an audience not in \"uplink_auth_jwt_audience\"";

claims(for => { iss => 'me', aud => 'here' }, 101, 'iss and aud');
claims(for => { iss => 'you', aud => ['x', 'there'] }, 101, 'others');
claims(for => { aud => 'here' }, $issuer, 'no iss');
claims(for => { iss => 'him', aud => 'here' }, $issuer, 'wrong iss');
claims(for => { iss => ['me'], aud => 'here' }, $issuer, 'iss: an array');
claims(for => { iss => 'me' }, $aud, 'no aud');
claims(for => { iss => 'me', aud => 'elsewhere' }, $aud, 'wrong aud');
claims(for => { iss => 'me', aud => [] }, $aud, 'aud: nobody');
claims(for => { iss => 'me', aud => ['here', 1] }, $aud, 'aud: here, and 1');
claims(for => { iss => 'me', aud => { here => 1 } }, $aud, 'aud: an object');
claims(for => { iss => 'me', aud => 'her' }, $aud, 'aud: a part');
claims(all => { iss => 'anybody' }, 101, 'iss where none is asked');
claims(all => { aud => 'elsewhere' }, $aud, 'aud where we have no name');

my $sub = "$invalid without valid \"sub\"";

claims(all => { sub => undef }, $sub, 'no sub');
claims(all => { sub => '' }, $sub, 'sub: empty');
claims(all => { sub => 7 }, $sub, 'sub: a number');
claims(all => { sub => "a\nb" }, $sub, 'sub: with a line feed');
claims(all => '{"sub":"a\u0000b","roles":["sled"]}', $sub, 'sub: with a zero');
claims(all => { sub => 'x' x 256 }, 101, 'sub: 256 bytes');
claims(all => { sub => 'x' x 257 }, $sub, 'sub: 257 bytes');

my $role = '403 client "alpha" has no role for this';

claims(all => { roles => undef }, $role, 'no roles');
claims(all => { roles => [] }, $role, 'roles: none');
claims(all => { roles => ['boss', 'Sled', '*'] }, $role, 'roles: others');
claims(all => { roles => ['boss', 'viewer'] }, 101, 'roles: one of ours');
claims(all => { roles => 'viewer' }, 101, 'roles: a string');
claims(all => { roles => [['sled']] }, "$invalid with invalid \"roles\"",
    'roles: nested');
claims(all => { roles => 1 }, "$invalid with invalid \"roles\"",
    'roles: a number');

for my $list (qw(workspaces agents)) {
    my $wrong = "$invalid with invalid \"$list\"";

    claims(all => { $list => ['a', 'b'] }, 101, $list);
    claims(all => { $list => '*' }, 101, "$list: all");
    claims(all => { $list => { a => 1 } }, $wrong, "$list: an object");
    claims(all => { $list => ['a', undef] }, $wrong, "$list: with null");
    claims(all => { $list => ['x' x 257] }, $wrong, "$list: a long one");
    claims(all => { $list => [map { "w$_" } 1 .. 256] }, 101, "$list: 256");
    claims(all => { $list => [map { "w$_" } 1 .. 257] }, $wrong, "$list: 257");
}

claims(all => $_, "$invalid without valid claims", 'claims: '
    . substr $_, 0, 30) for '[]', '"x"', '1', 'x', '{', '{"sub":"alpha"} ,',
    '{"sub":"alpha","roles":["admin"],"x":' . '[' x 100 . ']' x 100 . '}';

# large, deep, and a token within a token

is(asked(all => $jwt->token('HS256', \$secret, { %claims, x => 'x' x 5900 })),
    101, 'as large as may be');
my $large = '401 client sent too large JSON web token';
is(asked(all => $jwt->token('HS256', \$secret, { %claims, x => 'x' x 6100 })),
    $large, 'larger than 8k');
is(asked(all => $jwt->token('HS256', \$secret, \%claims, { x => 'x' x 3200 })),
    $large, 'a header larger than 4k');

my $inner = $jwt->token('HS256', \$secret, \%claims);
is(asked(all => $jwt->token('HS256', \$secret, $inner, { cty => 'JWT' })),
    "$invalid without valid claims", 'a nested one');
is(asked(all => $jwt->token('HS256', \$secret, qq("$inner"))),
    "$invalid without valid claims", 'a nested one in quotes');

# what looks like one

is(asked(all => 'a.b.c'), 101, 'an opaque token with dots');
is(asked(all => $_), $unknown, "a string: $_") for 'a.b.d', '..', 'x..', '.x.',
    '...', 'e30.e30', '!.e30.x';
is(asked(all => 'e30.e30.x'), "$invalid without \"alg\"", 'e30.e30.x');

unlike($t->log, qr/\Q$inner\E|\Q$secret\E/, 'no token and no key in the log');

$t->finish;

done_testing;
