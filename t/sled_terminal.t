#!/usr/bin/perl

# The PTY host of sled.  Uplink::Gateway plays the gateway's part: it says
# what has to be said at the moment it has to be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use Uplink::Daemon;
use Uplink::Gateway;

my $gateway = Uplink::Gateway->new;
my $sled = Uplink::Daemon->new(gateway => $gateway->url,
    env => { SLED_TOKEN => 'the-secret', SECRET_OF_MINE => 'another' });
my $dir = $sled->dir;

mkdir "$dir/work" or die;
mkdir "$dir/outside" or die;
symlink "$dir/outside", "$dir/work/link" or die;

$sled->run('--root', "$dir/work", '--shell', '/bin/sh',
    '--workspace', 'W', '--max-sessions', 4, '--idle-timeout', 0,
    '--task', "issue=i,dir=$dir/work,owner=ann,session=claude-1",
    '--task', "task=t2,issue=j,dir=$dir/work,workspace=X");

my $link = $gateway->accept;
like($link->{offered}, qr/^uplink\.bin\.v1, uplink\.v1$/, 'offers binary');
like($link->{request}, qr/^Authorization: Bearer the-secret\r$/m,
    'brings its token');
is($link->{register}{protocol_version}, 2, 'protocol version');
ok($link->{register}{capabilities}{features}{'terminal.replay'}, 'features');

my $tasks = $link->await('tasks')->{payload}{tasks};
is_deeply($tasks->[0], { task_id => 'task-i', issue_id => 'i',
    workspace_id => 'W', work_dir => "$dir/work", owner => 'ann',
    prior_session_id => 'claude-1' }, 'announces its tasks');

# ---- a shell

my $s = $link->open(work_dir => "$dir/work", user_id => 'u1', issue_id => 'i',
    cols => 101, rows => 33);

is($s->{work_dir}, "$dir/work", 'opened: where');
is($s->{shell}, 'sh', 'opened: what');

# no prompt between the lines of what runs

$link->type($s, "PS1=; stty size; echo END-\$((1+1))\n");
like($link->read_until($s, qr/END-2/), qr/33 101\r$/m, 'the size as asked');

$link->say('terminal.resize', { session_id => $s->{session_id}, cols => 132,
    rows => 50 });
$link->type($s, "stty size; echo END-\$((1+1))\n");
like($link->read_until($s, qr/END-2/), qr/50 132\r$/m, 'resized');

$link->type($s, "pwd; env; echo END-\$((1+1))\n");
my $out = $link->read_until($s, qr/END-2/);
like($out, qr/\Q$dir\E\/work\r$/m, 'in its folder');
like($out, qr/^$_\r$/m, $_) for ('UPLINK_WORKSPACE_ID=W',
    'UPLINK_TASK_ID=task-i', 'UPLINK_ISSUE_ID=i', 'UPLINK_USER_ID=u1',
    "UPLINK_SESSION_ID=$s->{session_id}", 'CLAUDE_SESSION_ID=claude-1',
    'TERM=xterm-256color', "SLED_SOCKET=$dir/state/socket");
unlike($out, qr/secret|another|TOKEN/, 'and no secret of the sled');

$link->type($s, "ls /proc/self/fd | tr '\\n' ' '; echo \$-; echo \$0;"
    . " echo END-\$((1+1))\n");
$out = $link->read_until($s, qr/END-2/);
like($out, qr/^0 1 2 3 /m, 'no descriptor of the sled');
like($out, qr/^-sh\r$/m, 'a login shell');

# Ctrl-C reaches what runs in front, raw mode is raw

$link->type($s, "sh -c 'echo UP-\$((1+1)); exec sleep 100'\n");
$link->read_until($s, qr/UP-2/);
$link->type($s, "\x03");
$link->type($s, "echo AFTER-\$((1+1))\n");
ok($link->read_until($s, qr/AFTER-2/), 'Ctrl-C ends what runs');

$link->type($s, "stty raw -echo; echo READY-\$((1+1));"
    . " dd bs=1 count=4 2>/dev/null | od -An -tx1; stty sane\n");
$link->read_until($s, qr/READY-2/);
$link->type($s, "\x03\x1b\x04\r");
like($link->read_until($s, qr/03 .*/), qr/03 1b 04 0d/, 'raw mode');

# ---- ends

$link->type($s, "stty sane; exit 7\n");
my $exit = $link->await('terminal.exit')->{payload};
is($exit->{exit_code}, 7, 'exit code');
is($exit->{reason}, 'exited', 'exit reason');
is($exit->{session_id}, $s->{session_id}, 'of that session');

sub shell { $link->open(work_dir => "$dir/work", @_) }

$s = shell();
$link->type($s, "kill -9 \$\$\n");
is($link->await('terminal.exit')->{payload}{reason}, 'signal:9', 'killed');

sub close_it {
    my ($what) = @_;

    my $at = time;
    $link->say('terminal.close', { session_id => $s->{session_id},
        reason => 'browser_disconnect' });
    my $m = $link->await('terminal.exit') or return;
    is($m->{payload}{reason}, 'client_close', $what);
    return time - $at;
}

# (a busy machine may take its time, but not always)

my $fastest = 1e9;

for my $n (1 .. 5) {
    $s = shell();
    $link->type($s, "echo UP-\$((1+1))\n");
    $link->read_until($s, qr/UP-2/);
    my $time = close_it("closed, $n");
    $fastest = $time if $time < $fastest;
}

cmp_ok($fastest, '<', 0.2 * $Uplink::Socket::patience,
    'without a wait when the shell goes by itself');

$s = shell();
$link->type($s, "trap '' HUP; echo PID-\$\$-; while :; do sleep 1; done\n");
my ($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
my $took = close_it('one that ignores SIGHUP');
cmp_ok($took, '>', 0.2, 'is given a quarter of a second');
ok(!kill(0, $pid), 'and is gone');

# nor does a program that runs in front, in a group of its own

$s = shell();
$link->type($s, "sh -c 'trap \"\" HUP; echo PID-\$\$-; while :; do sleep 1;"
    . " done'\n");
($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
close_it('what runs in front ignores it');
ok($sled->wait_for(sub { !kill 0, $pid }), 'it is gone as well');

# a background process does not hold the session up, and survives it

$s = shell();
$link->type($s, "(trap '' HUP; exec sleep 300) & echo BG-\$!-; exit\n");
($pid) = $link->read_until($s, qr/BG-\d+-/) =~ /BG-(\d+)-/;
ok($link->await('terminal.exit', 3), 'a process left behind: exit comes');
ok(kill(0, $pid), 'it lives on');
kill KILL => $pid;

# the last words

for my $n (1 .. 5) {
    $s = shell();
    $link->type($s, "seq 1 20000; echo LAST-WORDS-\$((1+1)); exit\n");
    ok($link->await('terminal.exit'), "exit $n");
    like(delete $link->{data}{$s->{session_id}},
        qr/\n20000\r\nLAST-WORDS-2\r\n$/,
        'all that was written came before it');
}

# ---- what is refused

sub refused {
    my ($code, $name, %payload) = @_;

    my $r = $link->open(work_dir => "$dir/work", %payload);
    is($r->{code}, $code, $name);
    ok(length $r->{message}, 'in words');
    return;
}

refused('workspace_mismatch', 'the task of another workspace',
    task_id => 't2');
refused('workspace_mismatch', 'another workspace', workspace_id => 'Y');
refused('task_not_found', 'a relative folder', work_dir => 'work');
refused('task_not_found', 'a folder outside', work_dir => "$dir/outside");
refused('task_not_found', 'a link that leads outside',
    work_dir => "$dir/work/link");
refused('task_not_found', 'dots that lead outside',
    work_dir => "$dir/work/../outside");
refused('spawn_failed', 'a folder that is not there',
    work_dir => "$dir/work/no");

my @many = map { shell() } 1 .. 4;
refused('too_many_terminals', 'too many');

# ---- several at a time, binary not agreed

$link->type($many[$_], "echo I-AM-$_-\$((1+1))\n") for 0 .. 3;
ok($link->read_until($many[$_], qr/I-AM-$_-2/), "terminal $_") for 0 .. 3;
is($link->{binary}, 0, 'no binary frame to whom did not agree');

$link->say('terminal.data', { session_id => $many[0]{session_id},
    data_b64 => '!!!' });
is($link->await('terminal.error')->{payload}{code}, 'bad_request',
    'what is not base64');

# unknown things are ignored

$link->say('something.new', { a => 1 });
$link->say('terminal.data', { session_id => 'nobody', data_b64 => 'eA==' });
$link->say('cancel', { correlation_id => 'c', reason => 'gone' });
$link->say('mcp_request', { jsonrpc => '2.0', method => 'notifications/x' });
$link->send_frame(1, 'nonsense');
$link->type($many[1], "echo STILL-\$((1+1))\n");
ok($link->read_until($many[1], qr/STILL-2/), 'goes on');

# what this sled does not have, it says that it has not

sub answer {
    my ($asked, $answered, $payload) = @_;

    $link->say($asked, $payload, 'q1');
    my $m = $link->await($answered);
    is($m->{req_id}, 'q1', "$asked is answered");

    return $m->{payload};
}

my $r = answer('mcp_request', 'mcp_response', { jsonrpc => '2.0', id => 'i',
    method => 'tools/list' });
is($r->{id}, 'i', 'under its id');
is($r->{error}{code}, -32601, 'with an error');
$r = answer('mcp_request', 'mcp_response', { id => 1 });
is($r->{error}{code}, -32600, 'also what is no request');
$r = answer('http_request', 'http_response', { correlation_id => 'c1',
    method => 'GET', path => '/', headers => [] });
is("$r->{correlation_id} $r->{status}", 'c1 404', 'nothing is there');

# ---- told to stop

kill TERM => $sled->pid;
my %reasons;
$reasons{$link->await('terminal.exit')->{payload}{reason}}++ for 1 .. 4;
is_deeply(\%reasons, { manager_shutdown => 4 }, 'every terminal is told');
$link->next;
is($link->{close_code}, 1000, 'and a goodbye');
$sled->finish;

done_testing;
