#!/usr/bin/perl

# Who may do what: every role at every call, workspaces, agents, whatever the
# credential is.

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
my $secret = 'k' x 32;

$t->write_file('key', $secret);
$t->write_file('tokens', join '', map { sprintf "%s:%s:%s%s\n", $_->[0],
    $_->[1], sha256_hex("secret-$_->[0]"), $_->[2] // '' }
    (map { [$_, $_, ':workspaces=a'] } qw(sled operator engine viewer admin)),
    ['sled-none', 'sled'],
    ['sled-two', 'sled', ':workspaces=a,b:agents=x,y'],
    ['sled-all', 'sled', ':workspaces=*:agents=*'],
    ['op-none', 'operator'],
    ['op-b', 'operator', ':workspaces=b'],
    ['op-all', 'operator', ':workspaces=*'],
    ['engine-none', 'engine'],
    ['engine-all', 'engine', ':workspaces=*:agents=*']);

# what X-Who says is what the server that is asked answers

$t->conf(<<'EOC')->run;
uplink_zone main 1m;

map $http_x_who $user { "~user=([^;]*)" $1; }
map $http_x_who $roles { "~roles=([^;]*)" $1; }
map $http_x_who $workspaces { "~workspaces=([^;]*)" $1; }
map $http_x_who $agents { "~agents=([^;]*)" $1; }

server {
    listen 127.0.0.1:%%PORT_0%%;

    uplink_auth_tokens tokens;
    uplink_auth_jwt_key HS256 file=key;
    uplink_auth_cookie session;
    uplink_identity $http_x_user;

    location = /sled { uplink_sled main; }
    location /v1/ { uplink_api main; }

    location = /asking/sled { uplink_sled main; uplink_authorize /who; }
    location /asking/v1/ { uplink_api main; uplink_authorize /who; }

    location = /optional/sled { uplink_sled main; uplink_auth optional; }
    location /optional/v1/ { uplink_api main; uplink_auth optional; }

    location = /status { uplink_status main; }

    location = /who {
        internal;
        proxy_pass http://127.0.0.1:%%PORT_1%%;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
    }
}

server {
    listen 127.0.0.1:%%PORT_1%%;
    add_header X-Uplink-User $user;
    add_header X-Uplink-Roles $roles;
    add_header X-Uplink-Workspaces $workspaces;
    add_header X-Uplink-Agents $agents;
    if ($http_x_who = "") { return 401; }
    return 204;
}
EOC

# headers of somebody

sub token { return (Authorization => "Bearer secret-$_[0]") }

sub signed {
    my (%claims) = @_;

    return (Authorization => 'Bearer '
        . $jwt->token('HS256', \$secret, { sub => 'carl', %claims }));
}

sub call {
    my ($method, $path, $who, $json) = @_;

    return $t->http($method => $path, headers => [@$who],
        $json ? (json => $json) : ());
}

sub ask {
    my ($who, %more) = @_;
    my $path = delete $more{at} // '/v1';

    return call(POST => "$path/permissions?wait=0", $who,
        { tool_name => 'Bash', tool_input => {}, %more });
}

# ---- every role at every call

my $asked = ask([token('engine')], workspace_id => 'a');
is($asked->status, 202, 'an engine asks') or diag $asked->body;
my $id = $asked->json->{req_id};

my $made = call(POST => '/v1/operators', [token('operator')], {});
is($made->status, 201, 'an operator makes a session') or diag $made->body;
my ($sid, $session) = @{$made->json}{qw(sid token)};

my $ask = { task_id => 't', question => {} };
my $perm = { tool_name => 'x', tool_input => 1, workspace_id => 'a' };

# the last four: a session, nobody, an unknown token, and one of no role

my @roles = qw(sled operator engine viewer admin);
my @who = ((map { [token($_)] } @roles), [Authorization => "Bearer $session"],
    [], [token('nobody')], [signed(workspaces => ['a'])]);

# call, body, and the status for each

my @calls = (
    #  sled operator engine viewer admin, session nobody unknown roleless
    ['POST operators', {},
        '403 201 403 403 201  401 401 401 403'],
    ['GET operators', undef,
        '403 403 403 403 200  401 401 401 403'],
    ["GET operators/$sid", undef,
        '403 403 403 403 200  200 401 401 403'],
    ['GET requests', undef,
        '200 200 200 200 200  200 401 401 403'],
    ["GET requests/$id", undef,
        '200 200 200 200 200  200 401 401 403'],
    ["POST requests/$id/decision", {},
        '403 400 403 403 400  400 401 401 403'],
    ['POST permissions?wait=0', $perm,
        '202 403 202 403 403  401 401 401 403'],
    ["POST operators/$sid/ask?wait=0", $ask,
        '202 403 202 403 403  401 401 401 403'],
    ["POST operators/$sid/hook_before?wait=0", $ask,
        '202 403 202 403 403  401 401 401 403'],
    ["POST operators/$sid/hook_after", $ask,
        '202 403 202 403 403  401 401 401 403'],
    ["POST operators/$sid/spawn?wait=0", $ask,
        '202 403 202 403 403  401 401 401 403'],
    ['HEAD events', undef,
        '200 200 200 200 200  200 401 401 403'],
    ['GET sleds', undef,
        '200 200 200 200 200  401 401 401 403'],
    ['GET sleds/nobody', undef,
        '404 404 404 404 404  401 401 401 403'],
    ['GET sleds/nobody/tasks', undef,
        '404 404 404 404 404  401 401 401 403'],
    ['DELETE sleds/nobody', undef,
        '403 403 403 403 404  401 401 401 403'],
    ['PUT sleds/nobody/tasks', { tasks => [] },
        '403 403 403 403 404  401 401 401 403'],
);

for my $call (@calls) {
    my ($what, $body, $status) = @$call;
    my ($method, $path) = split / /, $what;

    $what =~ s/\Q$sid\E/:sid/;
    $what =~ s/\Q$id\E/:id/;

    my @got = map { call($method, "/v1/$path", $_, $body)->status } @who;
    is("@got", $status =~ s/  / /r, $what);
}

is($t->handshake("/v1/operators/$sid/ws", headers => $who[$_])->status,
    $_ == 5 ? 101 : 401, "a session's socket: " . ($roles[$_] // "number $_"))
    for 0 .. $#who;

# ---- workspaces: who sees what

my %request;

for my $ws ('a', 'b', '') {
    my $r = ask([token('engine-all')], $ws ? (workspace_id => $ws) : ());
    is($r->status, 202, "a request in '$ws'") or diag $r->body;
    $request{$ws} = $r->json->{req_id};
}

sub sees {
    my ($who, $path) = @_;

    my $r = call(GET => ($path // '/v1') . '/requests', $who);
    return $r->status if $r->status != 200;

    my %seen = map { $_->{req_id} => 1 } @{$r->json->{requests}};
    return join ',', map { $_ || '-' } grep { $seen{$request{$_}} }
        sort keys %request;
}

for my $case (
    ['a token of a', [token('operator')], 'a'],
    ['a viewer of a', [token('viewer')], 'a'],
    ['a token of b', [token('op-b')], 'b'],
    ['a token of none', [token('op-none')], ''],
    ['a token of all', [token('op-all')], '-,a,b'],
    ['a sled of two', [token('sled-two')], 'a,b'],
    ['a JWT of a', [signed(roles => 'operator', workspaces => 'a')], 'a'],
    ['a JWT of two', [signed(roles => ['viewer'], workspaces => ['b', 'a'])],
        'a,b'],
    ['a JWT of none', [signed(roles => 'operator')], ''],
    ['a JWT of an empty list', [signed(roles => 'operator', workspaces => [])],
        ''],
    ['a JWT of all', [signed(roles => 'operator', workspaces => ['*'])],
        '-,a,b'],
    ['a JWT of one like a', [signed(roles => 'operator',
        workspaces => ['A', 'aa', '', 'a,b', ' a'])], ''],
    ['a JWT in a cookie', [Cookie => 'session=' . (split / /, (signed(
        roles => 'operator', workspaces => 'b'))[1])[1]], 'b'],
    ['an identity', ['X-User' => 'carl'], ''],
    ['an identity, and a token', ['X-User' => 'carl', token('op-all')], ''],
) {
    my ($name, $who, $expected) = @$case;
    is(sees($who), $expected, "$name sees '$expected'");
}

is(sees(['X-Who' => $_->[0]], '/asking/v1'), $_->[1], "asked: $_->[0]") for
    ['user=carl', ''],
    ['user=carl;workspaces=a', 'a'],
    ['user=carl;workspaces=a, b', 'a,b'],
    ['user=carl;workspaces=a b;roles=viewer', 'a,b'],
    ['user=carl;workspaces=*', '-,a,b'],
    ['workspaces=b', 'b'],
    ['user=carl;workspaces=a;roles=x', 403];

is(sees(['X-User' => 'dora', 'X-Who' => 'workspaces=a'], '/asking/v1'), 'a',
    'an identity and its workspaces');
is(sees([], '/optional/v1'), '', 'nobody sees nothing');
is(sees([token('op-b')], '/optional/v1'), 'b', 'somebody does');

# a session has what its maker has, or less

for my $case (
    ['operator', ['a'], 201], ['operator', ['a', 'b'], 403],
    ['operator', ['*'], 403], ['op-all', ['b'], 201], ['op-all', ['*'], 201],
    ['op-none', ['a'], 403], ['op-none', [], 201],
) {
    my ($who, $workspaces, $status) = @$case;

    my $r = call(POST => '/v1/operators', [token($who)],
        { workspaces => $workspaces });
    is($r->status, $status, "a session of $who for @$workspaces");

    next if $status != 201;

    my $expected = join ',', map { $_ eq '*' ? ('-', 'a', 'b') : $_ }
        @$workspaces;
    is(sees([Authorization => 'Bearer ' . $r->json->{token}]), $expected,
        "it sees '$expected'");
}

# and decides no more than that: another's is not there

for my $case ([operator => 'b', 404], [operator => '', 404],
    ['op-none' => 'a', 404], ['op-b' => 'b', 200], ['op-b' => 'b', 409],
    [operator => 'b', 404], ['op-all' => '', 200], [operator => 'a', 200])
{
    my ($who, $ws, $status) = @$case;

    is(call(POST => "/v1/requests/$request{$ws}/decision", [token($who)],
        { approved => \1 })->status, $status, "$who decides in '$ws'");
    is(call(GET => "/v1/requests/$request{$ws}", [token($who)])->status,
        $status == 404 ? 404 : 200, 'and sees it, or not');
}

is(call(POST => "/optional/v1/requests/$id/decision", [],
    { approved => \1 })->status, 404, 'nobody decides nothing');

# where one may ask

for my $case (
    [[token('engine')], 'a', 202], [[token('engine')], 'b', 403],
    [[token('engine-none')], 'a', 403], [[token('engine-none')], undef, 202],
    [[token('sled-two')], 'b', 202], [[token('sled-two')], 'c', 403],
    [[signed(roles => 'engine')], 'a', 403],
    [[signed(roles => 'engine', workspaces => 'a')], 'a', 202],
    [['X-User' => 'carl'], 'a', 403],
) {
    my ($who, $ws, $status) = @$case;

    is(ask($who, defined $ws ? (workspace_id => $ws) : ())->status, $status,
        'asking in ' . ($ws // 'none') . ": $who->[1]");
}

# ---- sleds: agents

sub registers {
    my ($path, $agent, $who, $token) = @_;

    my $ws = $t->handshake($path, headers => [@$who]);
    return $ws->status if $ws->status != 101;

    my $r = register($ws, agent_id => $agent,
        defined $token ? (auth_token => $token) : ());
    $ws->close;

    return $r->{success} ? 'ok' : $r->{error} =~ s/:.*//r;
}

my $none = 'agent_not_allowed';

for my $case (
    ['x', [token('sled-two')], 'ok'], ['y', [token('sled-two')], 'ok'],
    ['sled-two', [token('sled-two')], $none],
    ['sled', [token('sled')], 'ok'], ['x', [token('sled')], $none],
    ['whoever', [token('sled-all')], 'ok'],
    ['operator', [token('operator')], 403],
    ['admin', [token('admin')], 403],
    ['carl', [signed(roles => 'sled')], 'ok'],
    ['dora', [signed(roles => 'sled')], $none],
    ['dora', [signed(roles => 'sled', agents => ['dora', 'x'])], 'ok'],
    ['carl', [signed(roles => 'sled', agents => ['dora', 'x'])], $none],
    ['carl', [signed(roles => 'sled', agents => [])], $none],
    ['dora', [signed(roles => 'sled', agents => '*')], 'ok'],
    ['carl', [signed(roles => 'operator')], 403],
    ['carl', [signed()], 403],
    ['carl', [signed(roles => 'sled', exp => time - 100)], 401],
    ['carl', ['X-User' => 'carl'], 'ok'],
    ['dora', ['X-User' => 'carl'], $none],
    ['sled', [token('nobody')], 401],
) {
    my ($agent, $who, $expected) = @$case;

    is(registers('/sled', $agent, $who), $expected,
        "$agent: " . substr $who->[1], 0, 30);
}

# the same in register itself

for my $case (
    ['sled', 'secret-sled', 'ok'], ['x', 'secret-sled', $none],
    ['operator', 'secret-operator', 'auth_failed'],
    ['x', 'secret-nobody', 'auth_failed'],
    (map { ['carl', (split / /, (signed(@{$_->[0]}))[1])[1], $_->[1]] }
        [[roles => 'sled'], 'ok'],
        [[roles => 'sled', agents => 'x'], $none],
        [[roles => 'operator'], 'auth_failed'],
        [[roles => 'sled', exp => 1], 'auth_failed']),
) {
    my ($agent, $token, $expected) = @$case;

    is(registers('/sled', $agent, [], $token), $expected,
        "register: $agent with " . substr $token, 0, 30);
}

for my $case (
    ['carl', 'user=carl', 'ok'], ['dora', 'user=carl', $none],
    ['dora', 'user=carl;agents=dora', 'ok'],
    ['carl', 'user=carl;agents=dora', $none],
    ['dora', 'user=carl;agents=*', 'ok'],
    ['carl', 'user=carl;roles=sled', 'ok'],
    ['carl', 'user=carl;roles=operator', 403],
    ['carl', 'agents=carl', 'ok'],
) {
    my ($agent, $answer, $expected) = @$case;

    is(registers('/asking/sled', $agent, ['X-Who' => $answer]), $expected,
        "$agent, asked: $answer");
}

is(registers('/asking/sled', 'dora', ['X-User' => 'dora',
    'X-Who' => 'user=carl']), $none, 'asked: another name than the identity');
is(registers('/asking/sled', 'sled', [], 'secret-sled'), 'ok',
    'asked, in vain, and then a token in register');

# ---- sleds: workspaces

for my $case (
    ['sled', [token('sled')], 'a', undef],
    ['sled', [token('sled')], 'b', 'bad_request'],
    ['sled-none', [token('sled-none')], 'a', 'bad_request'],
    ['x', [token('sled-two')], 'b', undef],
    ['x', [token('sled-all')], 'z', undef],
    ['carl', [signed(roles => 'sled', workspaces => 'a')], 'a', undef],
    ['carl', [signed(roles => 'sled', workspaces => 'a')], 'b', 'bad_request'],
    ['carl', [signed(roles => 'sled')], 'a', 'bad_request'],
) {
    my ($agent, $who, $workspace, $refused) = @$case;

    my $ws = $t->ws('/sled', headers => [@$who]);
    register($ws, agent_id => $agent);
    say_to($ws, 'perm_request', 'p', { tool_name => 'x', tool_input => 1,
        workspace_id => $workspace });
    say_to($ws, 'heartbeat', 'h', {});

    my $m = $ws->recv_json;
    is($m->{type} eq 'perm_response' ? $m->{payload}{reason} : undef, $refused,
        "a sled asks in $workspace: " . substr $who->[1], 0, 24);
    $ws->close;
}

unlike($t->log, qr/secret-|$secret|eyJ|\Q$session\E/, 'no secret in the log');

# what is open is ended by those who may

is(call(DELETE => "/v1/operators/$sid", [token('admin')])->status, 204,
    'a session is deleted');

for my $r (@{call(GET => '/v1/requests', [token('op-all')])
    ->json->{requests}})
{
    call(POST => "/v1/requests/$r->{req_id}/decision", [token('op-all')],
        { approved => \0 });
}

$t->finish(leaves => 'ended requests and sessions');

done_testing;
