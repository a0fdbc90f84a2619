#!/usr/bin/perl

# The link of sled ssh: what is slow and what is lost, what becomes of those
# who wait, and how it comes back.  A real ssh and a real sshd.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use MIME::Base64;
use Test::More;

use Uplink::Daemon;
use Uplink::Gateway;
use Uplink::Sshd;

plan skip_all => 'needs openssh-server' unless Uplink::Sshd->program;

my $json = JSON::PP->new->utf8->canonical;
my $gateway = Uplink::Gateway->new;
my $sled = Uplink::Daemon->new(gateway => $gateway->url);
my $dir = $sled->dir;

mkdir "$dir/$_" or die for qw(work bin);

my $sshd = Uplink::Sshd->new(dir => $dir);

# ssh as it is, after it has written down how it was called; or none

$sshd->put('bin/ssh', <<"EOC", 0755);
#!/bin/sh
echo "\$*" >> $dir/called
[ ! -e $dir/away ] || exit 255
exec /usr/bin/ssh "\$@"
EOC

$sled->{env}{PATH} = "$dir/bin:$ENV{PATH}";

my $ping = 400 * $Uplink::Socket::patience;

$sled->{process} = $sled->start('ssh', 'thebox', '-F',
    $sshd->config('ssh_config'), '--id', 'box', '--gateway', $gateway->url,
    '--root', "$dir/work", '--shell', '/bin/sh', '--ping', $ping . 'ms');

my $link = $gateway->accept;
my $serial = 0;

sub call {
    my ($method, $path, $body) = @_;

    $link->say('http_request', { correlation_id => 'c' . ++$serial,
        method => $method, path => $path, headers => [],
        defined $body ? (body_b64 => encode_base64($body, '')) : () });

    return "c$serial";
}

# the answer to this call: "status code", and its body

sub answer {
    my ($id) = @_;

    my $m = $link->await('http_response', 20) or return 'nothing';
    my $p = $m->{payload};
    my $body = decode_base64($p->{body_b64} // '');
    my $data = eval { $json->decode($body) };

    return ("$p->{correlation_id} $p->{status} "
        . ($data && $data->{error} ? $data->{error}{code} : ''), $data);
}

sub run {
    my ($command) = @_;

    my ($said, $data) = answer(call('POST', '/run',
        $json->encode({ command => $command })));

    return $data ? decode_base64($data->{stdout_b64} // '') : $said;
}

sub ready {
    my ($n) = @_;

    return ok($sled->wait_log(qr/ssh: thebox is ready/, $n, 30),
        'the host is ready');
}

sub children {
    return split ' ', $sled->slurp('/proc/' . $sled->pid . '/task/'
        . $sled->pid . '/children');
}

sub called { return split /\n/, $sled->slurp("$dir/called") }

unlike((called())[0], qr/BatchMode/, 'at first ssh may ask');

# ---- slow is not dead: longer than silence would be

my $slow = call('POST', '/run', $json->encode({
    command => 'sleep ' . $ping * 5 / 1000 . '; echo done' }));
is((answer($slow))[0], "$slow 200 ", 'a slow call is answered');
unlike($sled->log, qr/silent/, 'and nobody is given up');

# ---- the host stops: silent, and given up; what it had not begun by then it
# does not begin when it goes on

my $agent = run('echo $PPID') + 0;
ok($agent && kill(0, $agent), 'the agent of the host');

my $s = $link->open(work_dir => "$dir/work");
$link->type($s, "echo UP-\$((1+1))\n");
$link->read_until($s, qr/UP-2/);

kill STOP => $agent;
my @late = (call('POST', '/run', "{\"command\":\"echo > $dir/work/run\"}"),
    call('PUT', "/files?path=$dir/work/put", 'x'));
$link->type($s, "echo > $dir/work/typed\n");

is_deeply([sort map { (answer())[0] } @late],
    [map { "$_ 502 host_lost" } @late], 'the calls that wait fail');

is($link->await('terminal.exit')->{payload}{reason}, 'host_lost',
    'and a terminal ends');
ok($sled->wait_log(qr/ssh: thebox: the host is silent/), 'it was silent');
ready(2);
kill CONT => $agent;
ok($sled->wait_for(sub { !kill 0, $agent }, 20), 'the old agent goes');
is(join(' ', map { m{([^/]+)$} } glob "$dir/work/*"), '',
    'and has done nothing of it');
like((called())[1], qr/BatchMode=yes/, 'nobody is asked any more');
is(scalar children(), 1, 'one ssh, and nobody unreaped');
like(run('echo $PPID'), qr/^\d+\n/, 'a call is answered, over the same uplink');

# ---- the same when there is only too long a pause, and no end

$agent = run('echo $PPID') + 0;
my ($ssh) = children();
kill STOP => $agent, $ssh;
my $id = call('PUT', "/files?path=$dir/work/put", 'x');
is((answer($id))[0], "$id 502 host_lost", 'a call over a stopped ssh fails');
ready(3);
kill CONT => $agent;
ok($sled->wait_for(sub { !kill 0, $agent }, 20), 'the old agent goes');
ok(!-e "$dir/work/put", 'and has done nothing');

# ---- away: who comes now is told at once

$sshd->put('away', '');
kill KILL => children();
ok($sled->wait_log(qr/ssh: thebox: ssh was killed by signal 9/),
    'ssh is killed');
$sled->wait_log(qr/ cannot be reached/);

is((answer(call('GET', '/ls?path=/')))[0], 'c' . $serial . ' 503 host_away',
    'a call while it is away');
my $e = $link->open(work_dir => "$dir/work");
is("$e->{code}: $e->{message}",
    'spawn_failed: the host cannot be reached now', 'and a shell');

unlink "$dir/away";
ready(4);
is(run('echo back'), "back\n", 'and back, over the same uplink');
is(() = $sled->log =~ /registered/g, 1, 'which has stood all the time');

# ---- a file is written whole, or not at all

$sshd->put('work/script', 'old', 0750);
my $inode = (stat "$dir/work/script")[1];
is((answer(call('PUT', "/files?path=$dir/work/script", 'new')))[0],
    "c$serial 204 ", 'a file is written');
isnt((stat "$dir/work/script")[1], $inode, 'a new one in its place');
is((stat _)[2] & 07777, 0750, 'with the mode of the old one');
is((answer(call('PUT', "/files?path=$dir/work/no/x", 'x')))[0],
    "c$serial 404 ENOENT", 'where there is no folder: no');
mkdir "$dir/work/folder";
is((answer(call('PUT', "/files?path=$dir/work/folder", 'x')))[0],
    "c$serial 500 EISDIR", 'over a folder: no');
is(join(' ', map { m{([^/]+)$} } glob "$dir/work/{.s,}*"), 'folder script',
    'nothing else is left');

# ---- the sled is killed: ssh and the agent go, too

$agent = run('echo $PPID') + 0;
($ssh) = children();
$s = $link->open(work_dir => "$dir/work");
$link->type($s, "echo PID-\$\$-\n");
my ($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
$sled->kill_hard;
ok($sled->wait_for(sub { !grep { kill 0, $_ } $ssh, $agent, $pid }, 20),
    'kill -9 of the sled: neither ssh, nor the agent, nor a shell');

# ---- in a terminal ssh asks for what it needs, once

my $host = Uplink::Daemon->new(gateway => $gateway->url, id => 'host');
$host->run('--root', $dir, '--shell', '/bin/sh');
my $tty = $gateway->accept;

system("cp $dir/user_key $dir/locked && chmod 600 $dir/locked"
    . " && cp $dir/user_key.pub $dir/locked.pub"
    . " && ssh-keygen -p -P '' -N secret -f $dir/locked > /dev/null") == 0
    or die 'ssh-keygen';

$s = $tty->open(work_dir => $dir);
$tty->type($s, "unset SLED_SOCKET; $sled->{binary} ssh thebox -F "
    . $sshd->config('ssh_locked', key => 'locked')
    . " --state $dir/locked.state --id box --gateway " . $gateway->url . "\n");
ok($tty->read_until($s, qr/Enter passphrase for key/), 'ssh asks');
$tty->type($s, "secret\n");
$link = $gateway->accept;
is($link->{register}{agent_id}, 'box', 'and is answered');

my $found = $host->wait_for(sub {
    my ($x) = `ps -eo pid,args` =~ m{^\s*(\d+) ssh -T .*ssh_locked.*thebox}m;
    return $x;
});
kill KILL => $found;
my $said = $tty->read_until($s, qr/thebox cannot be reached/) // '';
unlike($said, qr/passphrase/, 'but not in the middle of the night');
$tty->type($s, "\x03");
ok($tty->read_until($s, qr/stopped: box/), 'Ctrl-C ends it');
$tty->close;
$host->finish;

done_testing;
