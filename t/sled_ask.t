#!/usr/bin/perl

# Local agents ask through a running sled: sled ask, sled hook, sled mcp, and
# what is remembered for always.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Open2;
use JSON::PP;
use Test::More;

use Uplink::Daemon;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_request_memory 1s;
    uplink_resume_window 2s;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my $json = JSON::PP->new->utf8->canonical;
my $sled = Uplink::Daemon->new(gateway => 'ws://127.0.0.1:' . $t->port
    . '/sled');

$sled->run('--grace', '200ms', '--resume-window', '2s');
$sled->wait_log(qr/registered/);

my $socket = $sled->dir . '/state/socket';
is((stat $socket)[2] & 0777, 0600, 'the socket is for its owner only');
is((stat $sled->dir . '/state')[2] & 0777, 0700, 'and so is its folder');

# the only open request, once there is one

sub pending {
    my ($n) = @_;

    my $list;

    $t->wait_for(sub {
        $list = $t->http(GET => '/v1/requests?state=pending')->json->{requests};
        return @$list == ($n // 1);
    }) or diag('requests: ' . $json->encode($list));

    return $list->[0];
}

sub decide {
    my ($request, %decision) = @_;

    return $t->http(POST => "/v1/requests/$request->{req_id}/decision",
        json => \%decision)->{status};
}


sub ask {
    my (@arg) = @_;

    return $sled->start('ask', '--tool', 'Bash', '--input',
        '{"command":"make"}', @arg);
}

# yes

my $ask = ask('--description', 'builds it');
my $request = pending();

is($request->{tool_name}, 'Bash', 'an operator sees the tool');
is($json->encode($request->{tool_input}), '{"command":"make"}', 'its input');
is($request->{description}, 'builds it', 'and why');

is(decide($request, approved => JSON::PP::true,
    updated_input => { command => 'make -n' }), 200, 'approved');
is($ask->wait, 0, 'sled ask exits with 0');

my $reply = $json->decode($ask->out);
ok($reply->{approved}, 'and prints the decision');
is($reply->{updated_input}{command}, 'make -n', 'with the changed input');
ok($sled->wait_log(qr/applied: sled-/), 'that it was taken is told');

# no

$ask = ask();
decide(pending(), approved => JSON::PP::false, reason => 'not today');
is($ask->wait, 1, 'denied: 1');
$reply = $json->decode($ask->out);
is($reply->{reason}, 'operator', 'by a person');
is($reply->{message}, 'not today', 'who said why');

# nobody, and gone

$ask = ask('--timeout', '0.2');
is($ask->wait, 1, 'timeout: 1');
is($json->decode($ask->out)->{reason}, 'timeout', 'and says so');
ok(!pending(0), 'the request is withdrawn');

$ask = ask();
pending();
kill KILL => $ask->pid;
$ask->wait;
ok(!pending(0), 'who is gone withdraws');

# one that cannot be asked

is(($sled->command('ask', '--tool', 'x', '--input', '{'))[0], 2,
    'input that is no JSON: 2');
is(($sled->command('ask', '--tool', 'x', '--input', '{}', '--socket',
    '/nonexistent'))[0], 2, 'no sled: 2');

my ($code, $big) = $sled->command('ask', '--tool', 'x', '--input',
    $json->encode({ a => 'x' x 70000 }));
is("$code $big->{reason}", '1 too_large', 'too large for a message: denied');

# always

$ask = ask();
decide(pending(), approved => JSON::PP::true, always_allow => JSON::PP::true);
is($ask->wait, 0, 'approved for always');

($code, $reply) = $sled->command('ask', '--tool', 'Bash', '--input',
    '{"command":"make"}');
is("$code $reply->{reason}", '0 rule', 'the same again: nobody is asked');

$ask = $sled->start('ask', '--tool', 'Bash', '--input',
    '{"command":"make","timeout":1}');
decide(pending(), approved => JSON::PP::false);
is($ask->wait, 1, 'another input is asked for');

my ($rule) = @{($sled->command('rules'))[1]};
is($rule->{tool_name}, 'Bash', 'sled rules lists it');
is(($sled->command('rules', 'revoke', $rule->{id}))[0], 0, 'and revokes it');
is(($sled->command('rules', 'revoke', $rule->{id}))[0], 1, 'only once');

$ask = ask();
decide(pending(), approved => JSON::PP::false);
is($ask->wait, 1, 'now it is asked for again');

is(($sled->command('rules', 'add', '--tool', 'Bash', '--input',
    '{"command":"git *"}', '--pattern'))[0], 0, 'a rule by hand');
is(($sled->command('ask', '--tool', 'Bash', '--input',
    '{"command":"git log"}'))[0], 0, 'its pattern matches');
is(($sled->command('ask', '--tool', 'Bash', '--timeout', '0.1', '--input',
    '{"command":"gitx"}'))[0], 1, 'or not');

# a hook

my $hook = $sled->start({ stdin => $json->encode({
    hook_event_name => 'PreToolUse', session_id => 's', cwd => '/',
    tool_name => 'Write', tool_input => { file_path => '/x' } }) }, 'hook');

decide(pending(), approved => JSON::PP::true);
is($hook->wait, 0, 'hook: 0');
my $output = $json->decode($hook->out)->{hookSpecificOutput};
is($output->{permissionDecision}, 'allow', 'it says allow');

sub hook {
    my (@arg) = @_;

    $hook = $sled->start({ stdin => $json->encode({ tool_name => 'Write',
        tool_input => { file_path => '/x' } }) }, 'hook', @arg);
    return;
}

sub hook_output {
    is($hook->wait, 0, 'hook: 0');
    return $json->decode($hook->out)->{hookSpecificOutput};
}

hook();
decide(pending(), approved => JSON::PP::false, reason => 'not there');
$output = hook_output();
is("$output->{permissionDecision} $output->{permissionDecisionReason}",
    'deny not there', 'it says deny, and why');

hook();
decide(pending(), approved => JSON::PP::true,
    updated_input => { file_path => '/y' });
is_deeply(hook_output()->{updatedInput}, { file_path => '/y' },
    'or with another input');

hook('--socket', '/nonexistent');
is($hook->wait, 2, 'no sled: a hook blocks');
like($hook->err, qr/not allowed: no running sled/, 'and says why');

$hook = $sled->start({ stdin => '{"tool_name":1}' }, 'hook');
is($hook->wait, 2, 'a hook that does not understand blocks');

# MCP, as recorded

my $mcp = Uplink::Daemon::Stdio->new($sled, 'mcp');

$mcp->say({ jsonrpc => '2.0', id => 0, method => 'initialize', params => {
    protocolVersion => '2025-03-26', capabilities => {},
    clientInfo => { name => 'test', version => '0' } } });
my $r = $mcp->hear;
is($r->{result}{protocolVersion}, '2025-03-26', 'MCP: initialize');
is($r->{result}{serverInfo}{name}, 'sled', 'says who it is');

$mcp->say({ jsonrpc => '2.0', method => 'notifications/initialized' });
$mcp->say({ jsonrpc => '2.0', id => 'l', method => 'tools/list' });
$r = $mcp->hear;
is($r->{id}, 'l', 'the id is the one of the request');
is($r->{result}{tools}[0]{name}, 'approve', 'the tool');

sub call {
    my ($id, %arguments) = @_;

    return $mcp->say({ jsonrpc => '2.0', id => $id, method => 'tools/call',
        params => { name => 'approve', arguments => \%arguments } });
}

sub behavior {
    my $message = $mcp->hear;
    return ($message->{id},
        $json->decode($message->{result}{content}[0]{text}));
}

call(1, tool_name => 'Edit', input => { path => '/a' }, tool_use_id => 'u1');
decide(pending(), approved => JSON::PP::true);
my ($id, $b) = behavior();
is($json->encode($b),
    '{"behavior":"allow","updatedInput":{"path":"/a"}}', 'allowed');

call(2, tool_name => 'Edit', input => { path => '/b' });
call(3, tool_name => 'Edit', input => { path => '/c' });
pending(2);
my ($c) = grep { $_->{tool_input}{path} eq '/c' }
    @{$t->http(GET => '/v1/requests?state=pending')->json->{requests}};
decide($c, approved => JSON::PP::false, reason => 'no');
($id, $b) = behavior();
is("$id " . $json->encode($b), '3 {"behavior":"deny","message":"no"}',
    'two at a time: the second is denied first');

$mcp->say({ jsonrpc => '2.0', method => 'notifications/cancelled',
    params => { requestId => 2 } });
ok(!pending(0), 'a cancelled call is withdrawn');

$mcp->say({ jsonrpc => '2.0', id => 4, method => 'nonsense' });
is($mcp->hear->{error}{code}, -32601, 'an unknown method is an error');
$mcp->write("{nonsense\n");
is($mcp->hear->{error}{code}, -32700, 'and so is what is not JSON');
is($mcp->end, 0, 'the server ends with its input');

$mcp = Uplink::Daemon::Stdio->new($sled, 'mcp', '--socket', '/nonexistent');
call(5, tool_name => 'Edit', input => {});
($id, $b) = behavior();
is($b->{behavior}, 'deny', 'no sled: denied');
call(6, input => {});
is($mcp->hear->{error}{code}, -32602, 'a call without its tool is an error');
$mcp->end;

# the link goes: what is not resumed is denied, what is new at once

$ask = ask();
pending();
$t->allow(qr/exited on signal 9|worker process \d+ exited/);
my ($master) = $t->{master};
kill STOP => $master;
kill KILL => $_ for $t->workers;

my ($denied, $answer) = ($ask->wait, $ask->out);
is($denied, 1, 'not resumed in time: denied');
is($json->decode($answer)->{reason}, 'disconnected', 'as disconnected');

($code, $reply) = $sled->command('ask', '--tool', 'x', '--input', '{}');
is("$code $reply->{reason}", '1 disconnected', 'a new one: denied at once');

kill CONT => $master;
ok($sled->wait_log(qr/registered/, 2, 20), 'the gateway is back');
ok(!pending(0), 'nothing was queued for it');

$sled->finish;
$t->finish(leaves => 'requests are remembered');
done_testing;

package Uplink::Daemon::Stdio;

sub new {
    my ($class, $daemon, @command) = @_;

    local $ENV{SLED_STATE} = $daemon->dir . '/state';
    my $pid = IPC::Open2::open2(my $out, my $in, $daemon->{binary}, @command);

    return bless { pid => $pid, in => $in, out => $out }, $class;
}

sub write {
    my ($self, $text) = @_;

    return syswrite $self->{in}, $text;
}

sub say {
    my ($self, $message) = @_;

    return $self->write($json->encode($message) . "\n");
}

sub hear {
    my ($self) = @_;

    my $line = readline $self->{out};
    return $json->decode($line // '{}');
}

sub end {
    my ($self) = @_;

    close $self->{in};
    waitpid $self->{pid}, 0;
    return $? >> 8;
}
