#!/usr/bin/perl

# Every call: which methods it has, and which credential opens it.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Test;

my $t = Uplink::Test->new;

my @roles = qw(sled operator engine viewer admin);

$t->write_file('tokens', join '', map {
    "$_:$_:" . sha256_hex("$_-secret") . ":workspaces=ws-1\n"
} @roles);

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_request_memory 200ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /v1/ {
            uplink_api main;
            uplink_auth_tokens %%DIR%%/tokens;
        }

        location /open { uplink_api main; uplink_auth off; }

        location /optional/ {
            uplink_api main;
            uplink_auth optional;
            uplink_auth_tokens %%DIR%%/tokens;
        }

        location = /status { uplink_status main; }
    }
EOC

$t->run;

my $op = Uplink::Operator->new($t, bearer => 'operator-secret');
my $other = Uplink::Operator->new($t, bearer => 'operator-secret');

# ---- methods: path => Allow

my %allow = (
    'operators' => 'GET, HEAD, POST',
    "operators/$op->{sid}" => 'GET, HEAD, DELETE',
    "operators/$op->{sid}/ask" => 'POST',
    "operators/$op->{sid}/hook_before" => 'POST',
    "operators/$op->{sid}/hook_after" => 'POST',
    "operators/$op->{sid}/spawn" => 'POST',
    'requests' => 'GET, HEAD',
    'requests/any-perm-0' => 'GET, HEAD',
    'requests/any-perm-0/decision' => 'POST',
    'permissions' => 'POST',
);

for my $path (sort keys %allow) {
    for my $method (qw(GET HEAD POST PUT DELETE PATCH OPTIONS)) {
        next if $allow{$path} =~ /\b$method\b/;

        my $r = $t->http($method => "/v1/$path", body => 'x');
        is($r->status, 405, "$method $path: 405");
        is($r->header('allow'), $allow{$path}, 'with what is allowed');
    }
}

is($t->http(HEAD => "/v1/operators/$op->{sid}/ws")->status, 405,
    'HEAD of a WebSocket: 405');

for my $path ('', 'x', 'operator', 'operatorss', 'operators/',
    "operators/$op->{sid}/", "operators/$op->{sid}/x",
    "operators/$op->{sid}/ws/x", 'requests/', 'requests/a/b', 'permissions/x',
    'requests/x/decision/', 'operators%2fx%2f')
{
    my $r = $t->http(GET => "/v1/$path");
    is($r->status, 404, "/v1/$path: 404");
    is($r->json->{error}{code}, 'not_found', 'as JSON');
}

# a location without a slash at its end

is($t->http(GET => '/open/requests')->status, 200, 'prefix without a slash');
is($t->http(GET => '/open')->status, 404, 'the prefix itself');
is($t->http(GET => '/openrequests')->status, 404, 'another name');

# ---- credentials: method, path, body => roles that may; the others 403

my $id = 'any-perm-' . '0' x 32;

my @calls = (
    [ POST => 'operators', {}, { operator => 201, admin => 201 } ],
    [ GET => 'operators', undef, { admin => 200 } ],
    [ HEAD => 'operators', undef, { admin => 200 } ],
    [ GET => "operators/$op->{sid}", undef, { admin => 200 } ],
    [ GET => 'operators/S-1', undef, { admin => 404 } ],
    [ DELETE => 'operators/S-1', undef, { admin => 404 } ],
    [ GET => 'requests', undef, { map { $_ => 200 } @roles } ],
    [ GET => "requests/$id", undef, { map { $_ => 404 } @roles } ],
    [ POST => "requests/$id/decision", { approved => 1 },
      { operator => 400, admin => 400 } ],
    [ POST => 'permissions', {}, { sled => 400, engine => 400 } ],
    [ POST => 'operators/S-1/ask', {}, { sled => 404, engine => 404 } ],
    [ POST => 'operators/S-1/hook_before', {},
      { sled => 404, engine => 404 } ],
    [ POST => 'operators/S-1/hook_after', {},
      { sled => 404, engine => 404 } ],
    [ POST => 'operators/S-1/spawn', {}, { sled => 404, engine => 404 } ],
);

my @made;

for (@calls) {
    my ($method, $path, $json, $may) = @$_;
    my @body = $json ? (json => $json) : ();

    for my $role (@roles) {
        my $r = $t->http($method => "/v1/$path", @body,
            headers => [Uplink::Operator::bearer("$role-secret")]);
        my $want = $may->{$role} // 403;

        is($r->status, $want, "$method $path as $role: $want");
        push @made, $r->json if $r->status == 201;
    }

    my $r = $t->http($method => "/v1/$path", @body);
    is($r->status, 401, "$method $path without a credential: 401");
    is($r->header('www-authenticate'), 'Bearer', 'and which kind is meant');

    $r = $t->http($method => "/v1/$path", @body,
        headers => [Uplink::Operator::bearer('nobody-secret')]);
    is($r->status, 401, "$method $path with a wrong one: 401");
}

# nothing was done for those who were refused

is($t->http(GET => '/status')->json->{operators}{sessions}, 4,
    'as many sessions as were allowed');

# ---- a session's own token

my $wrong = $op->{token};
substr $wrong, 30, 1, substr($wrong, 30, 1) eq '0' ? '1' : '0';

my @session = (
    [ GET => "operators/$op->{sid}", 200, 401, undef ],
    [ GET => "operators/$other->{sid}", 401, 401, undef ],
    [ GET => 'operators/S-1', 404, 404, undef ],
    [ DELETE => "operators/$other->{sid}", 401, 401, undef ],
    [ GET => 'operators', 401, 401, undef ],
    [ POST => 'operators', 401, 401, {} ],
    [ GET => 'requests', 200, 401, undef ],
    [ GET => "requests/$id", 404, 401, undef ],
    [ POST => "requests/$id/decision", 404, 401,
      { approved => JSON::PP::true } ],
    [ POST => 'permissions', 401, 401, {} ],
    [ POST => "operators/$op->{sid}/ask", 401, 401, {} ],
);

for (@session) {
    my ($method, $path, $own, $bad, $json) = @$_;
    my @body = $json ? (json => $json) : ();

    is($op->rest($method => $path, @body)->status, $own,
        "$method $path with a session's token: $own");
    is($t->http($method => "/v1/$path", @body,
        headers => [Uplink::Operator::bearer($wrong)])->status, $bad,
        "and with a wrong one: $bad");
}

# where auth is off, a wrong session is still not that session

is($t->http(GET => '/open/requests')->status, 200, 'auth off: open');
is($t->http(GET => '/open/requests',
    headers => [Uplink::Operator::bearer($wrong)])->status, 401,
    'auth off, a session that is wrong: 401');
is($t->http(GET => '/open/requests',
    headers => [Uplink::Operator::bearer('whatever')])->status, 200,
    'auth off, something else: open');
is($t->handshake("/open/operators/$op->{sid}/ws")->status, 401,
    'auth off: the socket needs its token');

# ---- origins

for ([ 'http://evil.example', 403 ], [ 'http://localhost', 200 ],
     [ 'null', 403 ])
{
    my ($origin, $status) = @$_;

    is($t->http(GET => '/open/requests', headers => [Origin => $origin])
        ->status, $status, "Origin $origin: $status");
}

# ---- parameters

for my $query ('limit=0', 'limit=1001', 'limit=x', 'limit=', 'limit=-1',
    'limit=1&limit=1', 'after=', 'after=x', 'state=decided', 'state=',
    'kind=x', 'kind=', 'workspace_id=', 'workspace_id=' . 'x' x 129)
{
    my $r = $t->http(GET => "/open/requests?$query");
    is($r->status, 400, "?$query: 400");
    is($r->json->{error}{code}, 'bad_request', 'as JSON');
}

for my $query ('limit=1', 'limit=1000', 'state=pending', 'after=1',
    'kind=perm_request', 'kind=spawn', 'workspace_id=a%20b', 'unknown=1&&=',
    'state=pending&kind=ask&limit=5')
{
    is($t->http(GET => "/open/requests?$query")->status, 200,
        "?$query: 200");
}

# ---- configuration

for ([ 'location ~ ^/v1/ { uplink_api main; }' ],
     [ 'location @v1 { uplink_api main; }' ],
     [ 'location = /v1 { uplink_api main; }' ],
     [ 'location / { if ($arg_x) { uplink_api main; } }',
       '"uplink_api" directive is not allowed here' ])
{
    my ($text, $want) = @$_;
    my ($code, $message) = $t->check(
        "uplink_zone main 1m; uplink_auth off;\nserver { $text }\n");

    $want //= '"uplink_api" directive needs a location given by a prefix';

    isnt($code, 0, "refused: $text");
    like($message, qr/^\Q$want\E in http:2$/, 'and says why');
}

for my $made (@made, $op, $other) {
    $t->http(DELETE => "/v1/operators/$made->{sid}",
        headers => [Uplink::Operator::bearer($made->{token})])->status == 204
        or fail('a session was deleted with its own token');
}

$t->finish;

done_testing;
