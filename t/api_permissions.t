#!/usr/bin/perl

# POST permissions: asked over HTTP, held without a worker, answered by
# whoever decides; and all the ways in which that ends otherwise.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);
use JSON::PP ();

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Operator;
use Uplink::Sled qw(open_requests decide);
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'ci:engine:' . sha256_hex('ci-secret') . ":workspaces=a\n",
    'cd:engine:' . sha256_hex('cd-secret') . ":workspaces=a,b:agents=x\n",
    'box:sled:' . sha256_hex('box-secret') . ":workspaces=a\n");

my $conf = <<'EOC';
    uplink_zone main 2m;
    uplink_zone tiny 64k;
    uplink_auth off;
    uplink_request_memory 500ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% http2;
        add_header X-Uplink-Port $uplink_port always;

        location /v1/ { uplink_api main; uplink_drain_timeout 500ms; }
        location /quick/ {
            uplink_api main;
            uplink_permission_timeout 300ms;
        }
        location /deny/ { uplink_api main; uplink_no_operator deny; }
        location /tiny/ { uplink_api tiny; uplink_permission_timeout 2s; }
        location /token/ {
            uplink_api main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location = /status { uplink_status main; }
    }
EOC

$t->conf($conf)->run;

my ($yes, $no) = (JSON::PP::true, JSON::PP::false);

sub ask {
    my ($query, %arg) = @_;

    my $path = delete $arg{path} // '/v1';
    my $json = { tool_name => 'Bash', tool_input => 'ls',
        %{delete $arg{json} // {}} };

    return $t->start(POST => "$path/permissions$query", json => $json,
        limit => 15, %arg);
}

sub pending { return $t->http(GET => '/status')->json->{requests}{pending} }

# ---- no operator is needed to ask

my $r = ask('', json => { sled => 'laptop', workspace_id => 'w' });
my ($q) = open_requests($t, 1);

is($q->{sled}, 'laptop', 'sled');
is($q->{workspace_id}, 'w', 'workspace_id');
is($q->{input_sha256}, sha256_hex('"ls"'), 'digest of the input as written');
is($q->{expires_ms} - $q->{created_ms}, 120_000, 'uplink_permission_timeout');

is(decide($t, $q->{req_id}, always_allow => $yes, reason => 'go')->status,
    200, 'decided over REST');

$r->finish;
is($r->status, 200, 'answered');
is_deeply($r->json, { approved => $yes, always_allow => $yes,
    reason => 'operator', message => 'go' }, 'with the decision');

ok($t->wait_for(sub {
    $t->http(GET => "/v1/requests/$q->{req_id}")->json->{state}
        eq 'delivered';
}), 'and it was delivered');

# ---- by an operator, in the same and in the other worker

for my $port (0, 1) {
    my $op = Uplink::Operator->new($t)->attach(at => $port);

    $r = ask('?wait=30');
    $q = $op->await('perm_request');
    is($q->{expires_ms} - $q->{created_ms}, 30_000, 'wait is its time');
    $op->decide($q, approved => $no, reason => 'no');

    $r->finish;
    is_deeply($r->json, { approved => $no, always_allow => $no,
        reason => 'operator', message => 'no',
        decided_by => { sid => $op->{sid}, name => '' } },
        "an operator at port $port");
    ok($op->state($q, 'delivered'), 'is told of the delivery');

    # nobody can make it longer than the client waits

    $r = ask('?wait=30');
    $q = $op->await('perm_request');
    $op->send_json({ type => 'extend', req_id => $q->{req_id},
        seconds => 600 });
    is($op->state($q, 'open')->{expires_ms}, $q->{expires_ms},
        'a wait is not extended');

    # the client goes away

    $r->close;
    is($op->state($q, 'withdrawn')->{reason}, 'cancelled',
        'a client that goes away withdraws it');

    # without a wait it can have more time than it had

    $r = ask('', path => '/quick');
    $q = $op->await('perm_request');
    $op->send_json({ type => 'extend', req_id => $q->{req_id},
        seconds => 60 });
    is($op->state($q, 'open')->{expires_ms}, $q->{expires_ms} + 60_000,
        'extended');

    my $late = ask('', path => '/quick');
    is($late->finish->json->{reason}, 'timeout', 'another one expires');

    $op->decide($q, approved => $yes);
    is($r->finish->json->{approved}, $yes, 'this one was waited for');

    $op->delete;
}

# ---- time is over

for ([ '?wait=1', '/v1' ], [ '', '/quick' ]) {
    my ($query, $path) = @$_;

    $r = ask($query, path => $path)->finish;
    is($r->status, 200, "time is over, $path$query: 200");
    is_deeply($r->json, { approved => $no, always_allow => $no,
        reason => 'timeout' }, 'with the denial');
}

# ---- nobody there

$r = ask('', path => '/deny')->finish;
is($r->status, 200, 'uplink_no_operator deny');
is($r->json->{reason}, 'no_operator', 'no_operator');

# ---- not waiting at all

$r = ask('?wait=0')->finish;
is($r->status, 202, 'wait=0: 202');
my $id = $r->json->{req_id};
is((open_requests($t, 1))[0]{req_id}, $id, 'it is open');
decide($t, $id, reason => 'later');

$r = $t->http(GET => "/v1/requests/$id")->json;
is($r->{state}, 'decided', 'decided');
is($r->{decision}{message}, 'later', 'and can be looked up');

ok($t->wait_for(sub {
    $t->http(GET => "/v1/requests/$id")->status == 404;
}), 'until it is forgotten');

# ---- what is not taken

for my $wait ('', 'x', '-1', '3601', '1.5', '10&wait=10', '99999999999999') {
    is(ask("?wait=$wait")->finish->status, 400, "wait=$wait: 400");
}

for ([ 'no tool_name', { tool_name => undef }, 400 ],
     [ 'an empty tool_name', { tool_name => '' }, 400 ],
     [ 'tool_name a number', { tool_name => 1 }, 400 ],
     [ 'sled a number', { sled => 1 }, 400 ],
     [ 'sled too long', { sled => 'x' x 129 }, 400 ],
     [ 'workspace_id a list', { workspace_id => [] }, 400 ],
     [ 'workspace_id too long', { workspace_id => 'x' x 129 }, 400 ])
{
    my ($name, $json, $status) = @$_;

    $r = ask('', json => $json)->finish;
    is($r->status, $status, "$name: $status");
    is($r->json->{error}{code}, 'bad_request', 'bad_request');
}

is($t->http(POST => '/v1/permissions', json => { tool_name => 'x' })->status,
    400, 'no tool_input: 400');
is($t->http(POST => '/v1/permissions?wait=0', body =>
    '{"tool_name":"x","tool_input":null}')->status, 202,
    'null is an input as well');
decide($t, (open_requests($t, 1))[0]{req_id});

# ---- on whose behalf, and where

for ([ 'ci', {}, 202, 'ci', 'a' ],
     [ 'ci', { sled => 'any' }, 202, 'any', 'a' ],
     [ 'ci', { workspace_id => 'a' }, 202, 'ci', 'a' ],
     [ 'ci', { workspace_id => 'b' }, 403 ],
     [ 'cd', { sled => 'x', workspace_id => 'b' }, 202, 'x', 'b' ],
     [ 'cd', { sled => 'y' }, 403 ],
     [ 'box', {}, 202, 'box', 'a' ],
     [ 'box', { sled => 'box' }, 202, 'box', 'a' ],
     [ 'box', { sled => 'other' }, 403 ])
{
    my ($who, $json, $status, $sled, $ws) = @$_;

    $r = ask('?wait=0', path => '/token', json => $json,
        headers => [Uplink::Operator::bearer("$who-secret")])->finish;
    is($r->status, $status, "$who asks: $status");
    next if $status != 202;

    $q = $t->http(GET => "/v1/requests?workspace_id=$ws")
        ->json->{requests}[0];
    is($q->{req_id}, $r->json->{req_id}, "in workspace $ws");
    is($q->{sled}, $sled, "for $sled");
    decide($t, $q->{req_id});
}

# ---- one connection, several calls

my $body = '{"tool_name":"x","tool_input":1}';
my $call = "POST /v1/permissions?wait=20 HTTP/1.1\r\nHost: x\r\n"
    . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

my $c = $t->start(POST => '/', limit => 15, raw => $call x 3
    . "GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

for (1 .. 3) {
    decide($t, (open_requests($t, 1))[0]{req_id}, reason => "n$_");
}

my $all = $c->rest // $c->buffer;
is(join(' ', $all =~ m{HTTP/1\.1 (\d+) }g), '200 200 200 200',
    'pipelined calls are answered one after the other');
is(join(' ', $all =~ m{"message":"(\w+)"}g), 'n1 n2 n3', 'in their order');

$c = $t->start(POST => '/', raw => $call x 2);
open_requests($t, 1);
$c->close;
open_requests($t, 0);
pass('a client that goes away with more in the pipe withdraws it');

# ---- HTTP/2

my $have = grep { /HTTP2/ } split ' ', `curl --version 2>/dev/null`;

SKIP: {
    skip 'no curl with HTTP/2', 4 unless $have;

    my $url = 'http://127.0.0.1:' . $t->port(1) . '/v1/permissions';
    my @curl = ('curl', '-s', '--http2-prior-knowledge', '-m', 20,
        '-H', 'Content-Type: application/json', '-d', $body);

    open my $out, '-|', @curl, '-w', '%{http_code}', "$url?wait=15"
        or die "curl: $!";
    decide($t, (open_requests($t, 1))[0]{req_id}, reason => 'two');
    my $text = join '', <$out>;
    close $out;
    like($text, qr/"message":"two"/, 'HTTP/2: answered');
    like($text, qr/200$/, 'HTTP/2: with its status');

    my $pid = open $out, '-|', @curl, "$url?wait=15" or die "curl: $!";
    open_requests($t, 1);
    kill 'KILL', $pid;
    open_requests($t, 0);
    pass('HTTP/2: a client that goes away withdraws it');
    close $out;

    # the stream is reset, its connection stays: curl does so at its limit

    open $out, '-|', @curl, '-m', 1, "$url?wait=15" or die "curl: $!";
    open_requests($t, 1);
    close $out;
    open_requests($t, 0);
    pass('HTTP/2: or at the end of its time');
}

# ---- many at once

my $op = Uplink::Operator->new($t)->attach;
my @waiting = map { ask('?wait=60', json => { tool_input => $_ }) } 1 .. 200;

for (1 .. 200) {
    $q = $op->await('perm_request', 15) or last;
    $op->decide($q, approved => $q->{tool_input} % 2 ? $yes : $no,
        reason => "r$q->{tool_input}");
}

is(join(' ', map { $_->finish->json->{message} // '?' } @waiting),
    join(' ', map { "r$_" } 1 .. 200), '200 waiters, each its own answer');
is(scalar(grep { $waiting[$_ - 1]->json->{approved} ? $_ % 2 : 1 - $_ % 2 }
    1 .. 200), 200, 'and the right one');

# ---- a worker dies: that of the waiter, that of the operator

my $holder = ask('?wait=60');
$q = $op->await('perm_request');
my $pid = $t->pid_of($holder);

if ($t->pid_of($op->ws) == $pid) {
    $op->attach(not_on => $pid);
    $op->await('perm_request');
}

$t->kill9($pid);
is($op->state($q, 'withdrawn')->{req_id}, $q->{req_id},
    'withdrawn when the worker of the waiter dies');

for ( ;; ) {
    $holder = ask('?wait=60');
    $q = $op->await('perm_request');
    last if $t->pid_of($holder) != $t->pid_of($op->ws);
    $holder->close;
}

$t->kill9($t->pid_of($op->ws));
$op->attach;
is($op->await('perm_request')->{req_id}, $q->{req_id},
    'open when the worker of the operator dies');
$op->decide($q, approved => $yes);
is($holder->finish->json->{approved}, $yes, 'and answered after that');

# ---- a full zone refuses, and recovers

my @status;

for (1 .. 200) {
    push @status, $t->http(POST => '/tiny/permissions?wait=0',
        json => { tool_name => 'x', tool_input => 'y' x 3000 })->status;
    last if $status[-1] != 202;
}

is($status[-1], 503, 'a full zone: 503');
cmp_ok(scalar @status, '>', 1, 'but not the first');
ok($t->wait_for(sub {
    $t->http(POST => '/tiny/permissions?wait=0', json => { tool_name => 'x',
        tool_input => 1 })->status == 202;
}, 10), 'and good again when they have expired');

# ---- a reload

$holder = ask('?wait=60');
$q = $op->await('perm_request');
$t->reload(wait => 'new');
decide($t, $q->{req_id}, reason => 'new');
is($holder->finish->json->{message}, 'new',
    'answered by the worker that leaves');

$holder = ask('?wait=60');
open_requests($t, 1);
$t->reload(wait => 'new');
$holder->finish;
is($holder->status, 503, 'the grace is over: 503');
is($holder->json->{error}{code}, 'draining', 'draining');
open_requests($t, 0);

# ---- the end

$op->delete;
$op->ws->close;
$t->wait_for(sub { pending() == 0 });

$holder = ask('?wait=60');
open_requests($t, 1);
$t->signal('QUIT');
is($holder->finish->json->{reason}, 'shutdown', 'no worker follows: shutdown');
ok($t->wait_for(sub { $t->exited }, 15), 'and then it ends');

$t->finish;

done_testing;
