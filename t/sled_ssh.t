#!/usr/bin/perl

# sled ssh to a real sshd on a loopback port.  Uplink::Gateway plays the
# gateway's part: it says what has to be said at the moment it has to be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA;
use JSON::PP;
use MIME::Base64;
use Test::More;

use Uplink::Daemon;
use Uplink::Gateway;
use Uplink::Sshd;

plan skip_all => 'needs openssh-server' unless Uplink::Sshd->program;

my $json = JSON::PP->new->utf8->canonical;
my $gateway = Uplink::Gateway->new(protocol => 'uplink.bin.v1');
my $sled = Uplink::Daemon->new(gateway => $gateway->url,
    env => { SLED_TOKEN => 'the-secret' });
my $dir = $sled->dir;

mkdir "$dir/$_", 0700 or die for qw(work outside);

my $sshd = Uplink::Sshd->new(dir => $dir);
my $config = $sshd->config('ssh_config');

sub slurp { return $sled->slurp($_[0]) }

# ---- a shell

$sled->{process} = $sled->start('ssh', 'thebox', '-F', $config,
    '-i', "$dir/user_key", '--id', 'box', '--gateway', $gateway->url,
    '--root', "$dir/work", '--shell', '/bin/sh');

my $link = $gateway->accept;
is($link->{register}{agent_id}, 'box', 'registers when the host is ready');

sub shell {
    my $s = $link->open(work_dir => "$dir/work", @_);
    die "$s->{code}: $s->{message}" if $s->{code};
    return $s;
}

my $s = shell(cols => 91, rows => 19, issue_id => 'i');
is($s->{work_dir}, "$dir/work", 'opened');
$link->type($s, "stty size; pwd; env; echo END-\$((1+1))\n");
my $out = $link->read_until($s, qr/END-2/);
like($out, qr/19 91\r/, 'its size');
like($out, qr/^UPLINK_ISSUE_ID=i\r$/m, 'its environment');
unlike($out, qr/the-secret/, 'without secrets');

$link->say('terminal.resize', { session_id => $s->{session_id}, cols => 77,
    rows => 7 });
$link->type($s, "stty size; echo END-\$((1+1))\n");
like($link->read_until($s, qr/END-2/), qr/7 77\r/, 'resized');
$link->type($s, "exit 9\n");
is($link->await('terminal.exit')->{payload}{exit_code}, 9, 'exit code');

is($link->open(work_dir => "$dir/outside")->{code}, 'task_not_found',
    'a folder outside');
is($link->open(work_dir => "$dir/work/no")->{code}, 'spawn_failed',
    'a folder that is not there');

# ---- much, beside another that is paused

system("head -c 16M /dev/urandom > $dir/work/big") == 0 or die;
my $slow = shell();
$link->say('terminal.pause', { session_id => $slow->{session_id} });
$link->type($slow, "cat big\n");

$s = shell();
$link->type($s, "stty raw -echo; PS1=; echo READY-\$((1+1))\n");
$link->read_until($s, qr/READY-2\n/);
my $sha = Digest::SHA->new(256);
$link->{sink} = sub { $sha->add($_[1]) if $_[0] eq $s->{session_id} };
$link->type($s, "cat big; exit\n");
ok($link->await('terminal.exit', 60), '16 MB, beside a stream that is stuck');
is($sha->hexdigest, Digest::SHA->new(256)->addfile("$dir/work/big")->hexdigest,
    'the right ones')
    or diag("$link->{bytes}{$s->{session_id}} bytes came\n" . $sled->log);
delete $link->{sink};

$link->say('terminal.close', { session_id => $slow->{session_id} });
is($link->await('terminal.exit')->{payload}{reason}, 'client_close', 'closed');

$s = shell();
$link->type($s, "trap '' HUP; echo PID-\$\$-; while :; do sleep 1; done\n");
my ($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
$link->say('terminal.close', { session_id => $s->{session_id} });
ok($link->await('terminal.exit'), 'one that ignores SIGHUP');
ok($sled->wait_for(sub { !kill 0, $pid }), 'is gone');

# ---- files and commands

my $serial = 0;

sub call {
    my ($method, $path, $body) = @_;

    $link->say('http_request', { correlation_id => 'c' . ++$serial,
        method => $method, path => $path, headers => [],
        defined $body ? (body_b64 => encode_base64($body, '')) : () });
    return "c$serial";
}

sub answer {
    my ($id) = @_;

    my $m = $link->await('http_response', 15) or return;
    is($m->{payload}{correlation_id}, $id, "the answer to $id");
    $m = $m->{payload};
    $m->{body} = decode_base64($m->{body_b64} // '');
    $m->{json} = eval { $json->decode($m->{body}) };
    return $m;
}

sub ask { return answer(call(@_)) }

is(ask('PUT', "/files?path=$dir/work/a%20b", "one\0two")->{status}, 204,
    'write');
is(slurp("$dir/work/a b"), "one\0two", 'it is there');
is(ask('GET', "/files?path=$dir/work/a%20b")->{body}, "one\0two", 'read');
my $r = ask('GET', "/files?path=$dir/work/big&offset=1000&length=10");
is($r->{body}, substr(slurp("$dir/work/big"), 1000, 10), 'a part of a file');
is_deeply([grep { $_->[0] eq 'X-File-Size' } @{$r->{headers}}],
    [['X-File-Size', 16 << 20]], 'and how large it is');
is(ask('GET', "/stat?path=$dir/work/a%20b")->{json}{size}, 7, 'stat');
is_deeply([map { $_->{name} }
    @{ask('GET', "/ls?path=$dir/work")->{json}{entries}}], ['a b', 'big'],
    'ls: nothing else was left behind');
is(ask('GET', "/files?path=$dir/outside")->{status}, 403, 'outside');
is(ask('PUT', "/files?path=$dir/work/../outside/x", 'x')->{status}, 403,
    'outside, by dots');
is(ask('GET', "/files?path=$dir/work/none")->{status}, 404, 'not there');
is(ask('GET', '/nonsense')->{status}, 404, 'no such call');

$r = ask('POST', '/run', '{"command":["/bin/sh","-c","echo out; echo err >&2;'
    . 'exit 3"]}');
is($r->{json}{exit_code}, 3, 'run: exit code');
is(decode_base64($r->{json}{stdout_b64}), "out\n", 'stdout');
is(decode_base64($r->{json}{stderr_b64}), "err\n", 'stderr');

# a slow one holds up nobody

my $slow_id = call('POST', '/run', "{\"command\":\"echo \$\$ > $dir/work/pid;"
    . ' exec sleep 100"}');
is(ask('GET', "/stat?path=$dir/work/big")->{status}, 200,
    'others go on beside a slow call');
$pid = $sled->wait_for(sub { slurp("$dir/work/pid") + 0 });

# ---- ssh is killed: what was on its way fails, and it comes back

$s = shell();
my ($ssh) = grep { $_ } split ' ',
    slurp('/proc/' . $sled->pid . '/task/' . $sled->pid . '/children');
kill KILL => $ssh;
is(answer($slow_id)->{json}{error}{code}, 'host_lost',
    'a call on its way fails');
is($link->await('terminal.exit')->{payload}{reason}, 'host_lost',
    'a terminal ends');
ok($sled->wait_for(sub { !kill 0, $pid }), 'and the command is ended there');
ok($sled->wait_log(qr/ssh: thebox is ready/, 2, 20), 'back again');
$s = shell();
$link->type($s, "echo AGAIN-\$((1+1))\n");
ok($link->read_until($s, qr/AGAIN-2/), 'over the same uplink');

my @children = split ' ',
    slurp('/proc/' . $sled->pid . '/task/' . $sled->pid . '/children');
is(scalar @children, 1, 'one ssh, nothing left unreaped');

# told to stop: the terminal there is told of, and ended

$link->type($s, "echo PID-\$\$-\n");
($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
kill TERM => $sled->pid;
is($link->await('terminal.exit')->{payload}{reason}, 'manager_shutdown',
    'told to stop');
$link->next;
is($link->{close_code}, 1000, 'and a goodbye');
$sled->finish;
ok($sled->wait_for(sub { !grep { kill 0, $_ } $children[0], $pid }),
    'ssh is gone, and so is the shell');

done_testing;
