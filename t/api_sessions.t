#!/usr/bin/perl

# Sessions over REST: made, listed, shown, deleted, forgotten; and which
# workspaces they get.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'ada:operator:' . sha256_hex('ada-secret') . ":workspaces=a,b\n",
    'eve:operator:' . sha256_hex('eve-secret') . ":workspaces=*\n",
    'bob:operator:' . sha256_hex('bob-secret') . "\n",
    'root:admin:' . sha256_hex('root-secret') . ":workspaces=*\n");

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_zone few 1m;
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location /v1/ { uplink_api main; }
        location /token/ {
            uplink_api main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location /short/ { uplink_api main; uplink_session_ttl 300ms; }
        location /few/ { uplink_api few; uplink_max_sessions 3; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

sub bearer { return (headers => [Uplink::Operator::bearer("$_[0]-secret")]) }

# ---- one

my $r = $t->http(POST => '/v1/operators',
    json => { desc => "caf\x{e9} \"x\"", capability_manifest => { a => 1 } });

is($r->status, 201, 'made');
is_deeply([sort keys %{$r->json}], [qw(sid token)], 'sid and token');

my ($sid, $token) = @{$r->json}{qw(sid token)};

$r = $t->http(GET => "/v1/operators/$sid");
is($r->status, 200, 'shown');

my $s = $r->json;
is($s->{sid}, $sid, 'sid');
is($s->{desc}, "caf\x{e9} \"x\"", 'desc');
is($s->{connected}, JSON::PP::false, 'not connected');
is($s->{pending}, 0, 'nothing waits');
cmp_ok(abs($s->{created} / 1000 - time), '<', 60, 'created, in milliseconds');
cmp_ok($s->{last_access}, '>=', $s->{created}, 'last_access');
unlike($r->body, qr/\Q@{[substr $token, 19]}\E/, 'its token is not shown');

is($t->http(HEAD => "/v1/operators/$sid")->status, 200, 'HEAD');

my $op = bless { t => $t, api => '/v1', sid => $sid, token => $token },
    'Uplink::Operator';

$op->attach;
is($t->http(GET => "/v1/operators/$sid")->json->{connected}, JSON::PP::true,
    'connected');

my $before = $t->http(GET => "/v1/operators/$sid")->json->{last_access};

ok($t->wait_for(sub {
    $op->rest(GET => 'requests');
    $t->http(GET => "/v1/operators/$sid")->json->{last_access} > $before;
}), 'a call with its token moves last_access');

is($op->delete, 204, 'deleted with its own token');
$op->expect_close(1000, 'its socket is closed');

is($t->http(GET => "/v1/operators/$sid")->status, 404, 'gone');
is($t->http(DELETE => "/v1/operators/$sid")->status, 404, 'and stays gone');
is($op->rest(GET => 'requests')->status, 401, 'its token is good for nothing');

# ---- many, from both workers

my (%port, %sid);

for (1 .. 25) {
    $r = $t->http(POST => '/v1/operators', json => { desc => "n$_" });
    $sid{$r->json->{sid}} = "n$_";
    $port{$r->header('x-uplink-port')}++;
}

my @all = sort keys %sid;

$r = $t->http(GET => '/v1/operators');
is($r->json->{next}, undef, 'all in one page');
is_deeply({ map { $_->{sid} => $_->{desc} } @{$r->json->{operators}} }, \%sid,
    'and all of them');

my ($after, @seen) = ('');
my $pages = 0;

do {
    $r = $t->http(GET => "/v1/operators?limit=10$after");
    push @seen, map { $_->{sid} } @{$r->json->{operators}};
    $after = '&after=' . ($r->json->{next} // '');
    $pages++;
} while (defined $r->json->{next} && $pages < 10);

is($pages, 3, 'three pages');
is_deeply([sort @seen], \@all, 'everyone once');

# one that a page ended with may be deleted before the next is asked for

$r = $t->http(GET => '/v1/operators?limit=10');
my @first = map { $_->{sid} } @{$r->json->{operators}};
$t->http(DELETE => "/v1/operators/$first[-1]");
my $rest = $t->http(GET => "/v1/operators?limit=100&after=" . $r->json->{next});
is(scalar @{$rest->json->{operators}}, 15, 'the rest comes all the same');
is($t->http(GET => '/v1/operators?limit=24')->json->{next}, undef,
    'a page that holds just the last says so');

for my $sid (grep { $_ ne $first[-1] } @all) {
    $t->http(DELETE => "/v1/operators/$sid")->status == 204
        or fail("$sid is deleted");
}

is_deeply($t->http(GET => '/v1/operators')->json,
    { operators => [], next => undef }, 'nobody');

# ---- workspaces: asked for => what comes of it

for ([ 'ada', undef, 201 ], [ 'ada', ['a'], 201 ], [ 'ada', ['a', 'b'], 201 ],
     [ 'ada', [], 201 ], [ 'ada', ['c'], 403 ], [ 'ada', ['a', 'c'], 403 ],
     [ 'ada', ['*'], 403 ], [ 'eve', ['c'], 201 ], [ 'eve', ['*'], 201 ],
     [ 'bob', undef, 201 ], [ 'bob', ['a'], 403 ])
{
    my ($who, $list, $status) = @$_;

    $r = $t->http(POST => '/token/operators', json => { workspaces => $list },
        bearer($who));

    is($r->status, $status, "$who asks for " . ($list ? "[@$list]" : 'nothing')
        . ": $status");

    if ($status == 403) {
        is($r->json->{error}{code}, 'forbidden', 'forbidden');
        next;
    }

    my $show = $t->http(GET => '/token/operators/' . $r->json->{sid},
        bearer('root'))->json;
    is($show->{name}, $who, 'made by');
    $t->http(DELETE => '/token/operators/' . $r->json->{sid}, bearer('root'));
}

# ---- too long without a sign of life

$r = $t->http(POST => '/short/operators', json => {});
$sid = $r->json->{sid};

ok($t->wait_for(sub {
    $t->http(GET => "/v1/operators/$sid")->status == 404;
}), 'uplink_session_ttl: forgotten');

# one that is connected lives on, and its time begins when it leaves

$op = Uplink::Operator->new($t, api => '/short');
$op->attach;

my $other = Uplink::Operator->new($t, api => '/short');
ok($t->wait_for(sub {
    $t->http(GET => "/v1/operators/$other->{sid}")->status == 404;
}), 'another one, made later, is forgotten');

is($t->http(GET => "/v1/operators/$op->{sid}")->status, 200,
    'one that is connected is not');

$op->ws->close;
ok($t->wait_for(sub {
    $t->http(GET => "/v1/operators/$op->{sid}")->status == 404;
}), 'until it has left');

# ---- as many as there may be

my @few = map { $t->http(POST => '/few/operators', json => {}) } 1 .. 4;
is(join(' ', map { $_->status } @few), '201 201 201 503',
    'uplink_max_sessions');
is($few[3]->json->{error}{code}, 'too_many_sessions', 'too_many_sessions');

$t->http(DELETE => '/few/operators/' . $few[0]->json->{sid});
is($t->http(POST => '/few/operators', json => {})->status, 201,
    'a place that is free again');

# ---- they outlive a worker, and a reload

$op = Uplink::Operator->new($t);
$t->kill9($_) for $t->workers;
is($op->rest(GET => "operators/$op->{sid}")->status, 200,
    'a session outlives all workers');
$t->reload;
is($op->rest(GET => "operators/$op->{sid}")->status, 200, 'and a reload');
is($op->delete, 204, 'deleted');

unlike($t->log, qr/secret/, 'no token in the error log');

$t->finish;

done_testing;
