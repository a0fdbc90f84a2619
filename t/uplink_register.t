#!/usr/bin/perl

# register: what is answered, and every way to be refused.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'alpha:sled:' . sha256_hex('alpha-secret') . "\n",
    'pair:sled:' . sha256_hex('pair-secret') . ":agents=one,two\n",
    'any:sled:' . sha256_hex('any-secret') . ":agents=*\n",
    'boss:operator:' . sha256_hex('boss-secret') . ":workspaces=*\n");

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_resume_window 200ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location = /must {
            uplink_sled main;
            uplink_registration required;
        }
        location = /quick {
            uplink_sled main;
            uplink_registration required;
            uplink_handshake_timeout 300ms;
        }
        location = /few {
            uplink_sled main;
            uplink_max_connections_per_agent 2;
        }
        location = /listed {
            uplink_sled main;
            uplink_allowed_agents one two;
        }
        location = /keyed {
            uplink_sled main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
            uplink_handshake_timeout 300ms;
        }
        location = /asked {
            uplink_sled main;
            uplink_auth optional;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location = /named {
            uplink_sled main;
            uplink_identity $arg_me;
        }
        location = /origin {
            uplink_sled main;
            uplink_allowed_origins https://console.example.com;
        }
        location = /small {
            uplink_sled main;
            uplink_registration required;
            uplink_max_message 4k;
        }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

# ---- success

my $ws = $t->ws('/sled');

my $r = register($ws, agent_id => 'test-agent',
    capabilities => { features => { receipts => JSON::PP::true } });

is($r->{success}, JSON::PP::true, 'success');
is($r->{error}, undef, 'no error');
ok(exists $r->{error}, 'error is there');
like($r->{proxy_id}, qr/.-\d+$/, 'proxy_id');
like($r->{proxy_version}, qr/^\d+\.\d+\.\d+$/, 'proxy_version');
like($r->{connection_id}, qr/^test-agent-[0-9a-f]{32}$/, 'connection_id');
like($r->{resume_token}, qr/^[0-9a-f]{64}$/, 'resume_token');
is($r->{resumed}, JSON::PP::false, 'not resumed');
is($r->{heartbeat_ms}, 25000, 'heartbeat_ms');
is($r->{max_message}, 65536, 'max_message');
is_deeply($r->{features}, [qw(resume receipts terminal.flow
    terminal.replay uplink.bin.v1)], 'features');

say_to($ws, 'register', 'again',
    { protocol_version => 2, agent_id => 'test-agent' });
my $m = $ws->recv_json;
is($m->{type}, 'error', 'a second register is an error');
is($m->{req_id}, 'again', 'for its req_id');
is($m->{payload}{code}, 'already_registered', 'and says why');

say_to($ws, 'heartbeat', 'h1', { any => 'thing' });
is_deeply($ws->recv_json,
    { type => 'heartbeat_ack', req_id => 'h1', payload => {} },
    'and changes nothing');
ok($ws->goodbye, 'goodbye');

# without a req_id, and the features as a list

$ws = $t->ws('/sled');
$ws->send_text('{"type":"register","payload":{"protocol_version":2,'
    . '"agent_id":"a.b_c:d-e","capabilities":{"features":["resume",7]}}}');
$m = $ws->recv_json;
is($m->{req_id}, '', 'req_id of register is optional');
ok($m->{payload}{success}, 'features as a list');
$ws->close;

# ---- refused

my $n = 0;

sub refused {
    my ($error, $path, $close, %payload) = @_;

    my $token = delete $payload{bearer};
    my $ws = $t->ws($path, $token
        ? (headers => [Authorization => "Bearer $token"]) : ());

    my $name = "$error at $path " . ++$n;
    my $r = register($ws, %payload);

    is($r->{success}, JSON::PP::false, "$name: no success");
    like($r->{error} // '', qr/^$error: ./, "$name: error");
    is($r->{connection_id}, '', "$name: no connection_id");
    $ws->expect_close($close, "$name: closed");

    return;
}

sub accepted {
    my ($name, $path, %payload) = @_;

    my $token = delete $payload{bearer};
    my $ws = $t->ws($path, $token
        ? (headers => [Authorization => "Bearer $token"]) : ());
    my $r = register($ws, %payload);

    ok($r->{success}, $name) or diag($r->{error} // $ws->error);
    ok($ws->goodbye, "$name: goodbye");

    return;
}

refused('version_mismatch', '/sled', 1008, agent_id => 'a',
    protocol_version => $_) for 1, 3, '2', 2.5, undef;

refused('agent_id_empty', '/sled', 1008, agent_id => $_) for '', undef;
refused('agent_id_empty', '/sled', 1008);

refused('agent_id_invalid', '/sled', 1008, agent_id => $_)
    for 'a b', 'a/b', "a\n", "\x{e9}", 'a' x 129, 'a' x 1000, 7, {}, "a\0b";

accepted('the longest name', '/sled', agent_id => 'a' x 128);

refused('agent_not_allowed', '/listed', 1008, agent_id => 'three');
accepted('a listed name', '/listed', agent_id => 'two');

refused('agent_not_allowed', '/named?me=one', 1008, agent_id => 'two');
accepted('the name of the identity', '/named?me=one', agent_id => 'one');
accepted('no identity', '/named', agent_id => 'two');

# tokens

refused('auth_required', '/keyed', 1008, agent_id => 'alpha',
    auth_token => $_) for '', undef;
refused('auth_required', '/keyed', 1008, agent_id => 'alpha');
refused('auth_failed', '/keyed', 1008, agent_id => 'alpha',
    auth_token => $_) for 'wrong', 'boss-secret', "alpha-secret\0";

accepted('a token in register', '/keyed', agent_id => 'alpha',
    auth_token => 'alpha-secret');
accepted('a Bearer token', '/keyed', agent_id => 'alpha',
    bearer => 'alpha-secret');
accepted('a Bearer token comes first', '/keyed', agent_id => 'alpha',
    bearer => 'alpha-secret', auth_token => 'wrong');
accepted('one of two names', '/keyed', agent_id => 'two',
    auth_token => 'pair-secret');
accepted('any name', '/keyed', agent_id => 'whoever',
    auth_token => 'any-secret');

refused('agent_not_allowed', '/keyed', 1008, agent_id => 'beta',
    auth_token => 'alpha-secret');
refused('agent_not_allowed', '/keyed', 1008, agent_id => 'pair',
    bearer => 'pair-secret');

accepted('no token where it is optional', '/asked', agent_id => 'x');
accepted('a good one where it is optional', '/asked', agent_id => 'alpha',
    auth_token => 'alpha-secret');
refused('auth_failed', '/asked', 1008, agent_id => 'alpha',
    auth_token => 'wrong');
refused('agent_not_allowed', '/asked', 1008, agent_id => 'x',
    auth_token => 'alpha-secret');

# too many

my @few = map { sled($t, 'crowd', path => '/few') } 1 .. 2;
refused('too_many_connections', '/few', 1013, agent_id => 'crowd');
accepted('another name', '/few', agent_id => 'other');
ok($few[0]->goodbye, 'one leaves');
ok($t->wait_for(sub {
    my $ws = $t->ws('/few');
    my $ok = register($ws, agent_id => 'crowd')->{success};
    $ws->close;
    return $ok;
}), 'and there is a place');
$few[1]->close;

# ---- required

for (['perm_request', { tool_name => 'x', tool_input => 1 }], ['heartbeat'],
     ['nonsense'])
{
    my $ws = $t->ws('/must');
    say_to($ws, $_->[0], 'id', $_->[1]);
    my $m = $ws->recv_json;
    is($m->{type}, 'registered', "$_->[0] first: a failed registration");
    like($m->{payload}{error}, qr/^registration_required: /, 'says why');
    $ws->expect_close(1008, 'and is closed');
}

$ws = $t->ws('/must');
$ws->send_text('this is no JSON');
like($ws->await('registered')->{payload}{error}, qr/^registration_required/,
    'the same for no JSON');
$ws->expect_close(1008, 'closed');

accepted('register', '/must', agent_id => 'x');

for my $path ('/quick', '/keyed') {
    $ws = $t->ws($path);
    $m = $ws->recv_json;
    like($m->{payload}{error}, qr/^handshake_timeout: /,
        "nothing came in time at $path");
    $ws->expect_close(1008, 'closed');
}

# whoever has no credential yet

$ws = $t->ws('/keyed');
say_to($ws, 'perm_request', 'p', { tool_name => 'x', tool_input => 1 });
like($ws->recv_json->{payload}{error}, qr/^auth_required: /,
    'a request without a credential');
$ws->expect_close(1008, 'closed');

# in time, and then no deadline any more

$ws = sled($t, 'x', path => '/quick');
ok(!$ws->recv(0.6), 'the deadline is gone');
is($ws->error, 'timeout', 'the connection stays');
$ws->close;

# before: 16 KiB; after: uplink_max_message

my $pad = 'x' x 16100;

$ws = $t->ws('/must');
ok(register($ws, agent_id => 'x', metadata => { pad => $pad })->{success} ,
    'a long register') or diag $ws->error;
$ws->send_json({ type => 'long', pad => $pad x 3 });
say_to($ws, 'heartbeat', 'h');
ok($ws->await('heartbeat_ack'), 'long messages after that');
$ws->close;

$ws = $t->ws('/must');
$ws->send_json({ type => 'register', pad => 'x' x 17000 });
$ws->expect_close(1009, 'too long for a stranger');

$ws = $t->ws('/small');
$ws->send_json({ type => 'register', pad => 'x' x 5000 });
$ws->expect_close(1009, 'too long for anybody here');

$ws = $t->ws('/keyed', headers => [Authorization => 'Bearer alpha-secret']);
$ws->send_json({ type => 'long', pad => 'x' x 40000 });
say_to($ws, 'heartbeat', 'h');
ok($ws->await('heartbeat_ack'), 'no stranger: has shown its credential');
$ws->close;

# ---- members of the wrong kind

for (['capabilities', 7], ['capabilities', { features => 7 }],
     ['resume', 'x'], ['auth_token', 7])
{
    $ws = $t->ws('/sled');
    say_to($ws, 'register', 'r', { protocol_version => 2, agent_id => 'a',
        $_->[0] => $_->[1] });
    $m = $ws->recv_json;
    is($m->{payload}{code}, 'bad_message', "$_->[0] of the wrong kind");
    ok(register($ws, agent_id => 'a')->{success}, 'and again, better');
    $ws->close;
}

# ---- identity

$ws = $t->ws('/must');
say_to($ws, 'identity', '', { project => 'beta', token => 'whatever' });
$r = $ws->recv_json->{payload};
ok($r->{success}, 'identity registers');
like($r->{connection_id}, qr/^beta-/, 'as its project');
is($r->{resume_token}, undef, 'without resume');
ok($ws->goodbye, 'goodbye');

for (['auth_required', {}], ['auth_failed', { token => 'wrong' }],
     ['agent_not_allowed', { token => 'pair-secret' }],
     ['agent_id_empty', { project => '' }])
{
    $ws = $t->ws('/keyed');
    say_to($ws, 'identity', '', { project => 'alpha', %{$_->[1]} });
    $r = $ws->recv_json->{payload};

    like($r->{error}, qr/^$_->[0]: /, "identity: $_->[0]");
    $ws->expect_close(1008, 'closed');
}

$ws = $t->ws('/keyed');
say_to($ws, 'identity', '', { project => 'alpha', token => 'alpha-secret' });
ok($ws->recv_json->{payload}{success}, 'identity with its token');
$ws->close;

# ---- before the upgrade

sub http_error {
    my ($status, $code, $path, %arg) = @_;

    my $ws = $t->handshake($path, %arg);

    is($ws->{status}, $status, "$path: $status");
    is($ws->json->{error}{code}, $code, "$path: $code");

    return;
}

my @wrong = (headers => [Authorization => 'Bearer wrong']);
my @boss = (headers => [Authorization => 'Bearer boss-secret']);
my @pair = (headers => [Authorization => 'Bearer pair-secret']);

http_error(401, 'auth_failed', '/keyed', @wrong);
http_error(401, 'auth_failed', '/asked', @wrong);
http_error(403, 'forbidden', '/keyed', @boss);
http_error(401, 'auth_required', '/keyed?sled=one');
http_error(403, 'agent_not_allowed', '/keyed?sled=three', @pair);
http_error(403, 'agent_not_allowed', '/listed?sled=three');
http_error(400, 'agent_id_invalid', '/sled?sled=a%20b');
http_error(403, 'agent_not_allowed', '/named?me=one&sled=two');
http_error(403, 'forbidden', '/sled',
    headers => [Origin => 'http://localhost']);
http_error(403, 'forbidden', '/origin',
    headers => [Origin => 'https://evil.example.com']);

is($t->handshake('/origin',
    headers => [Origin => 'https://console.example.com'])->{status}, 101,
    'an origin that is named');

is($t->http(GET => '/sled')->status, 426, 'no WebSocket at all');

# credentials that are none

$ws = $t->ws('/keyed', headers => [Authorization => 'Basic eDp5']);
ok(register($ws, agent_id => 'alpha',
    auth_token => 'alpha-secret')->{success}, 'Basic is no credential');
$ws->close;

unlike($t->log, qr/secret/, 'no secret in the log');

$t->finish;
done_testing;
