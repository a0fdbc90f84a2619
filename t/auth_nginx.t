#!/usr/bin/perl

# Credentials beside those of nginx: allow, auth_basic, auth_request, satisfy,
# certificates, limit_conn, limit_req.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use IO::Socket::SSL;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;
my $dir = $t->dir;

$t->write_file('tokens', 'alpha:sled:' . sha256_hex('secret-a') . "\n");
$t->write_file('passwords', "user:{PLAIN}pass\n");

# an authority, a certificate of ours, and one of somebody else

system(<<"EOC") == 0 or die 'openssl';
exec 2> $dir/openssl.log
set -e
cd $dir
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
openssl req -x509 \$key -subj /CN=authority -keyout ca.key -out ca.pem
openssl req -x509 \$key -subj /CN=forged -keyout forged.key -out forged.pem
openssl req \$key -subj /CN=beta -keyout beta.key -out beta.csr
openssl x509 -req -in beta.csr -CA ca.pem -CAkey ca.key -CAcreateserial \\
    -days 2 -out beta.pem
EOC

$t->certificate;

$t->conf(<<'EOC')->run;
uplink_auth_tokens tokens;

limit_conn_zone $server_name zone=conn:64k;
limit_req_zone $server_name zone=req:64k rate=1r/m;

map $ssl_client_verify:$ssl_client_s_dn $certificate {
    "~^SUCCESS:CN=(?<cn>[^,]+)" $cn;
}

server {
    listen 127.0.0.1:%%PORT_0%%;
    server_name plain;

    location = /deny { uplink_echo; deny all; }
    location = /allow { uplink_echo; allow 127.0.0.1; deny all; }

    # Authorization is the one or the other: here the token is in a cookie

    uplink_auth_cookie token;

    location = /basic { uplink_echo;
        auth_basic x; auth_basic_user_file passwords; }
    location = /basic-user { uplink_echo; uplink_identity $remote_user;
        auth_basic x; auth_basic_user_file passwords; }
    location = /any { uplink_echo; satisfy any; allow 127.0.0.1; deny all;
        auth_basic x; auth_basic_user_file passwords; }
    location = /any-denied { uplink_echo; satisfy any; deny all;
        auth_basic x; auth_basic_user_file passwords; }
    location = /any-authorize { uplink_echo; satisfy any; allow all;
        uplink_authorize /no; }
    location = /all-authorize { uplink_echo; deny all;
        uplink_authorize /yes; }
    location = /any-authorize-denied { uplink_echo; satisfy any; deny all;
        uplink_authorize /yes; }

    location = /request { uplink_echo; auth_request /check; }
    location = /request-user { uplink_echo; auth_request /check;
        auth_request_set $user $upstream_http_x_user;
        uplink_identity $user; }
    location = /request-authorize { uplink_echo; auth_request /check;
        uplink_authorize /yes; }

    location = /conn { uplink_echo; limit_conn conn 2; }
    location = /req { uplink_echo; limit_req zone=req burst=2 nodelay; }
    location = /req-authorize { uplink_echo; limit_req zone=req;
        uplink_authorize /yes; }

    location = /check {
        internal;
        proxy_pass http://127.0.0.1:%%PORT_1%%;
    }

    location = /yes { internal; return 204; }
    location = /no { internal; return 403; }
}

server {
    listen 127.0.0.1:%%PORT_1%%;
    add_header X-User $http_x_check;
    if ($http_x_check = "") { return 401; }
    return 204;
}

server {
    listen 127.0.0.1:%%PORT_2%% ssl;
    server_name tls;

    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    ssl_verify_client optional;
    ssl_client_certificate ca.pem;

    location = /verified { uplink_echo; uplink_identity $certificate; }
}

server {
    listen 127.0.0.1:%%PORT_3%% ssl;
    server_name strict;

    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    ssl_verify_client on;
    ssl_client_certificate ca.pem;

    location = /verified { uplink_echo; uplink_identity $certificate; }
    location = /both { uplink_echo; }
}

server {
    listen 127.0.0.1:%%PORT_4%% ssl;
    server_name lax;

    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    ssl_verify_client optional_no_ca;
    ssl_client_certificate ca.pem;

    location = /verified { uplink_echo; uplink_identity $certificate; }
}
EOC

my @token = (Authorization => 'Bearer secret-a');
my @wrong = (Authorization => 'Bearer x');
my @cookie = (Cookie => 'token=secret-a');
my @basic = (Authorization => 'Basic ' . encode_base64('user:pass', ''));
my @basic_wrong = (Authorization => 'Basic ' . encode_base64('user:x', ''));

for my $case (
    ['deny', [@token], 403],
    ['allow', [@token], 101],
    ['allow', [], 401],

    ['basic', [@basic], 401],
    ['basic', [@basic, @cookie], 101],
    ['basic', [@basic_wrong, @cookie], 401],
    ['basic', [@token], 401],
    ['basic-user', [@basic], 101],
    ['basic-user', [@basic_wrong], 401],

    ['any', [], 401],
    ['any', [@token], 101],
    ['any', [@basic], 401],
    ['any', [@basic, @cookie], 101],
    ['any-denied', [@basic], 401],
    ['any-denied', [@basic, @cookie], 101],
    ['any-denied', [@cookie], 401],

    # neither does the one stand for the other

    ['any-authorize', [], 403],
    ['any-authorize', [@token], 101],
    ['any-authorize', [@wrong], 403],
    ['all-authorize', [], 403],
    ['any-authorize-denied', [], 403],

    ['request', [], 401],
    ['request', ['X-Check' => 'carl'], 401],
    ['request', ['X-Check' => 'carl', @token], 101],
    ['request', [@token], 401],
    ['request-user', ['X-Check' => 'carl'], 101],
    ['request-user', ['X-Check' => 'carl', @wrong], 101],
    ['request-user', [@token], 401],
    ['request-authorize', ['X-Check' => 'carl'], 101],
    ['request-authorize', [], 401],
) {
    my ($door, $headers, $status) = @$case;

    my $ws = $t->handshake("/$door", headers => $headers);
    is($ws->status, $status, "$door: " . join ' ', @$headers);
    $ws->close;
}

# limit_conn counts a connection as long as it lives, and no refused one

my @ws = map { $t->handshake('/conn', headers => [@token]) } 1 .. 3;
is(join(' ', map { $_->status } @ws), '101 101 503', 'limit_conn');

$ws[0]->close;
my $ws;
ok($t->wait_for(sub {
    $ws = $t->handshake('/conn', headers => [@token]);
    return $ws->status == 101;
}), 'a place is free again');
$_->close for @ws, $ws;

ok($t->wait_for(sub {
    my @refused = map { $t->handshake('/conn', headers => [@wrong]) } 1 .. 5;
    return join(' ', map { $_->status } @refused) eq '401 401 401 401 401';
}), 'who is refused takes none');

# limit_req counts before a credential is looked at

is(join(' ', map { $t->handshake('/req', headers => $_)->status }
    [@wrong], [@token], [@token], [@token]), '401 101 101 503', 'limit_req');
is($t->handshake('/req-authorize')->status, 503, 'before anybody is asked');

# certificates

my %certificate = map { $_ => { SSL_cert_file => "$dir/$_.pem",
    SSL_key_file => "$dir/$_.key" } } qw(beta forged);

sub tls {
    my ($port, $path, $certificate, @headers) = @_;

    my $ws = eval {
        $t->handshake($path, port => $t->port($port), headers => [@headers],
            tls => { SSL_verify_mode => SSL_VERIFY_NONE,
                $certificate ? %{$certificate{$certificate}} : () });
    };

    my $status = $ws ? $ws->status : undef;
    $ws->close if $ws;

    return $status // 'none';
}

is(tls(2, '/verified', 'beta'), 101, 'a certificate that is verified');
is(tls(2, '/verified', ''), 401, 'none, where it is optional');
is(tls(2, '/verified', '', @token), 101, 'a token instead');
is(tls(2, '/verified', 'beta', @wrong), 101, 'a certificate comes first');
is(tls(2, '/verified', 'forged'), 400, 'one of somebody else');
is(tls(3, '/verified', 'beta'), 101, 'where it is required');
is(tls(3, '/verified', '', @token), 400, 'a token is not enough there');
is(tls(3, '/both', 'beta'), 401, 'a certificate that says nothing');
is(tls(3, '/both', 'beta', @token), 101, 'both');
is(tls(4, '/verified', 'beta'), 101, 'without a check of the authority');
is(tls(4, '/verified', 'forged'), 401, 'whom nobody has verified');

$t->finish;

done_testing;
