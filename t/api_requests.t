#!/usr/bin/perl

# GET requests, GET requests/:id: pages that are stable while requests end,
# filters, and who sees which workspace.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'ada:operator:' . sha256_hex('ada-secret') . ":workspaces=a,b\n",
    'eve:operator:' . sha256_hex('eve-secret') . ":workspaces=b,c\n",
    'bob:viewer:' . sha256_hex('bob-secret') . "\n",
    'zoe:viewer:' . sha256_hex('zoe-secret') . ":workspaces=*\n");

$t->conf(<<'EOC');
    uplink_zone main 2m;
    uplink_auth off;
    uplink_request_memory 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location /token/ {
            uplink_api main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);
my $sled = sled($t, 'alpha');

sub pending { return $t->http(GET => '/status')->json->{requests}{pending} }

sub list {
    my ($query, $who, $path) = @_;

    my $r = $t->http(GET => ($path // '/v1') . "/requests?$query",
        headers => [$who ? Uplink::Operator::bearer($who) : ()]);

    is($r->status, 200, "GET requests?$query") or return { requests => [] };

    return $r->json;
}

sub inputs { return [map { $_->{tool_input} } @{$_[0]{requests}}] }

is_deeply(list(''), { requests => [], next => undef }, 'nothing is open');

# ---- pages, while requests come and end

request($sled, "id$_", tool_input => $_) for 1 .. 100;
ok($t->wait_for(sub { pending() == 100 }), '100 are open');

is_deeply(inputs(list('limit=1000')), [1 .. 100], 'oldest first');

my $page = list('limit=30');
is_deeply(inputs($page), [1 .. 30], 'the first page');
like($page->{next}, qr/^\d+$/, 'and where the next begins');

say_to($sled, 'perm_cancel', "id$_") for 20 .. 40;
request($sled, 'new', tool_input => 'new');
ok($t->wait_for(sub { pending() == 80 }), 'some end, one is new');

my @seen;
my $pages = 0;

while (defined $page->{next} && $pages++ < 10) {
    $page = list("limit=30&after=$page->{next}");
    push @seen, @{inputs($page)};
}

is_deeply(\@seen, [41 .. 100, 'new'], 'the others come, each once');
is($pages, 3, 'in three pages');

is(list('limit=80')->{next}, undef, 'a page that ends with the last says so');
is(list('after=999999999')->{next}, undef, 'behind the last');
is_deeply(list('kind=ask'), { requests => [], next => undef },
    'of another kind');
is(scalar @{list('kind=perm_request&state=pending')->{requests}}, 80,
    'of this kind');

my $item = list('limit=1')->{requests}[0];

is_deeply([sort keys %$item], [sort qw(type req_id sled tool_name tool_input
    created_ms expires_ms input_sha256)], 'an element is the message');
is($item->{type}, 'perm_request', 'with its type');
is($item->{input_sha256}, sha256_hex('1'), 'and its digest');

is($t->http(HEAD => '/v1/requests')->header('content-length') > 10000, 1,
    'HEAD');

# ---- one of them

my $r = $t->http(GET => "/v1/requests/$item->{req_id}");
is($r->status, 200, 'one request');
is($r->json->{state}, 'open', 'is open');
is($r->json->{decision}, undef, 'not decided');

is(decide($t, $item->{req_id}, reason => 'r')->status, 200, 'decided');
answer($sled, 'id1');
$r = $t->http(GET => "/v1/requests/$item->{req_id}")->json;
is($r->{decision}{message}, 'r', 'its decision');

ok($t->wait_for(sub {
    $t->http(GET => "/v1/requests/$item->{req_id}")->status == 404;
}), 'uplink_request_memory: forgotten');

say_to($sled, 'perm_cancel', "id$_") for 2 .. 100;
say_to($sled, 'perm_cancel', 'new');
ok($t->wait_for(sub { pending() == 0 }), 'all have ended');

# ---- a list stops before it is too long, and goes on

request($sled, "big$_", tool_input => "$_ " . 'x' x 20000) for 1 .. 40;
ok($t->wait_for(sub { pending() == 40 }), '40 large ones are open');

my ($after, @large) = ('');

for (1 .. 40) {
    $r = $t->http(GET => "/v1/requests?limit=1000$after");
    cmp_ok(length $r->body, '<', 300_000, 'a page of bounded length');
    push @large, map { $_->{tool_input} =~ /^(\d+)/ } @{$r->json->{requests}};
    last if !defined $r->json->{next};
    $after = '&after=' . $r->json->{next};
}

is_deeply(\@large, [1 .. 40], 'all of them in several pages');

say_to($sled, 'perm_cancel', "big$_") for 1 .. 40;
ok($t->wait_for(sub { pending() == 0 }), 'all have ended');

# ---- workspaces

request($sled, "ws-$_", workspace_id => $_, tool_input => $_) for qw(a b c);
request($sled, 'none', tool_input => 'none');
ok($t->wait_for(sub { pending() == 4 }), 'one in each workspace');

my %id = map { $_->{tool_input} => $_->{req_id} } @{list('')->{requests}};

is_deeply(inputs(list('')), [qw(a b c none)], 'auth off sees all');
is_deeply(inputs(list('workspace_id=b')), ['b'], 'or one of them');
is_deeply(inputs(list('workspace_id=none')), [], 'which is no name');

for ([ 'ada', [qw(a b)] ], [ 'eve', [qw(b c)] ], [ 'bob', [] ],
     [ 'zoe', [qw(a b c none)] ])
{
    my ($who, $want) = @$_;

    is_deeply(inputs(list('', "$who-secret", '/token')), $want,
        "$who sees [@$want]");
    is_deeply(inputs(list('workspace_id=b', "$who-secret", '/token')),
        [grep { $_ eq 'b' } @$want], 'of b as much as that');

    for my $ws (qw(a b c none)) {
        my $status = grep({ $_ eq $ws } @$want) ? 200 : 404;
        is($t->http(GET => "/token/requests/$id{$ws}",
            headers => [Uplink::Operator::bearer("$who-secret")])->status,
            $status, "$who looks at $ws: $status");
    }
}

# a session has what its maker had, or less

my $ada = Uplink::Operator->new($t, api => '/token', bearer => 'ada-secret',
    json => { workspaces => ['a'] });

is_deeply(inputs(list('', $ada->{token}, '/token')), ['a'], 'less');
is_deeply(inputs(list('workspace_id=b', $ada->{token}, '/token')), [],
    'a filter does not give more');

for my $ws (qw(b c none)) {
    is($ada->rest(POST => "requests/$id{$ws}/decision",
        json => { approved => $yes })->status, 404, "$ws is not hers: 404");
}

$ada->attach;
is($ada->await('perm_request')->{tool_input}, 'a', 'told of a');
ok($ada->quiet, 'and of nothing else');
$ada->decide($id{b}, approved => $yes);
is($ada->error->{code}, 'unknown_req', 'b is unknown on the socket, too');

# the credential itself decides without a session

$r = $t->http(POST => "/token/requests/$id{b}/decision",
    json => { approved => $yes, reason => 'fine' },
    headers => [Uplink::Operator::bearer('ada-secret')]);
is($r->status, 200, 'a credential decides');
is_deeply(answer($sled, 'ws-b')->{decided_by}, { sid => undef, name => 'ada' },
    'under its name');
is($ada->rest(POST => "requests/$id{a}/decision",
    json => { approved => $no })->status, 200, 'a session decides');
is_deeply(answer($sled, 'ws-a')->{decided_by},
    { sid => $ada->{sid}, name => 'ada' }, 'under both its names');

is($ada->state($id{a}, 'decided')->{by}{name}, 'ada', 'and is told');

say_to($sled, 'perm_cancel', $_) for 'ws-c', 'none';
ok($t->wait_for(sub { pending() == 0 }), 'all have ended');

$ada->delete;
$sled->send_close(1000);

$t->finish;

done_testing;
