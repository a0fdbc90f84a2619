#!/usr/bin/perl

# sled run as a service: it says when it is ready, logs one line per event,
# talks to its own user only, and ends when told to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use Socket qw(SOCK_DGRAM SOCK_STREAM);
use Test::More;

use Uplink::Daemon;
use Uplink::Gateway;

my $gateway = Uplink::Gateway->new;
my $sled = Uplink::Daemon->new(gateway => $gateway->url,
    env => { SLED_TOKEN => 'the-secret' });
my $dir = $sled->dir;

# ---- readiness, as systemd wants it

my $manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
    Local => "$dir/notify") or die "$dir/notify: $!";

sub notified {
    my $ready = IO::Select->new($manager)
        ->can_read(10 * $Uplink::Socket::patience) or return 'nothing';
    $manager->recv(my $text, 4096);
    return $text;
}

$sled->{env}{NOTIFY_SOCKET} = "$dir/notify";
$sled->run('--log-format', 'json', '--root', $dir, '--shell', '/bin/sh',
    '--log-level', 'debug');
is(notified(), 'READY=1', 'ready');
ok($sled->wait_for(sub { -S "$dir/state/socket" }), 'and can be asked');

my $link = $gateway->accept;
is(notified(), 'STATUS=connected', 'connected');
$link->close;
is(notified(), 'STATUS=disconnected', 'disconnected');
$link = $gateway->accept(resumed => 1);
is(notified(), 'STATUS=connected', 'and again');

# ---- who may talk to it

my $path = "$dir/state/socket";

# what a client of this user gets for an answer, in a process of its own

sub status_as {
    my ($uid) = @_;

    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        my $answer = 'not connected';
        POSIX::setuid($uid) if $uid != $>;

        if (my $client = IO::Socket::UNIX->new(Type => SOCK_STREAM,
            Peer => $path))
        {
            local $SIG{PIPE} = 'IGNORE';
            syswrite $client, qq({"op":"status"}\n);
            $answer = 'closed';
            sysread $client, $answer, 4096
                if IO::Select->new($client)->can_read(10);
        }

        syswrite $write, $answer || 'closed';
        POSIX::_exit(0);
    }

    close $write;
    waitpid $pid, 0;
    sysread $read, my $answer, 4096;

    return $answer;
}

like(status_as($>), qr/"connected":true/, 'its own user is answered');

SKIP: {
    skip 'only root can be somebody else', 3 if $> != 0;

    chmod 0755, $dir, "$dir/state";
    is(status_as(65534), 'not connected', 'another one cannot connect');
    chmod 0666, $path;
    is(status_as(65534), 'closed', 'nor is heard when it can');
    ok($sled->wait_log(qr/a stranger was turned away/), 'which is logged');
    chmod 0600, $path;
}

# what is no request ends that client, and nobody else

for my $text ("nonsense\n", "{\"op\":\"fly\"}\n", "[]\n",
    'x' x 300_000)
{
    my $client = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path);
    local $SIG{PIPE} = 'IGNORE';
    syswrite $client, $text;
    IO::Select->new($client)->can_read(10);
    my $n = sysread $client, my $answer, 4096;
    ok(!$n, 'closed: ' . substr($text, 0, 12) =~ s/\n//r);
}

like(status_as($>), qr/"connected":true/, 'it still answers');

# ---- the log

my $s = $link->open(work_dir => $dir, task_id => "a\nb", cols => 80);
$link->say('perm_response', {}, "late\n\"");
$link->type($s, "exit 3\n");
$link->await('terminal.exit');
$sled->wait_log(qr/"late"/);

my @lines = split /\n/, $sled->log;
my @events = map { eval { JSON::PP->new->utf8->decode($_) } } @lines;
is(scalar @events, scalar @lines, 'each line of the log is one object');
is_deeply([grep { join(' ', sort keys %$_) ne 'event level message time' }
    @events], [], 'with the same members');
unlike($sled->log, qr/the-secret/, 'and without the token');

# ---- the end: terminals are told, then the manager, then nobody is left

$s = $link->open(work_dir => $dir);
kill TERM => $sled->pid;
is($link->await('terminal.exit')->{payload}{reason}, 'manager_shutdown',
    'told to stop: a terminal hears it');
is(notified(), 'STOPPING=1', 'and the manager');
$link->next;
is($link->{close_code}, 1000, 'and the gateway');
$sled->finish;
ok(!-e $path, 'the socket is gone');

# ---- a shell that does not go is no reason to stay

$sled->{env}{NOTIFY_SOCKET} = '@' . "sled-test-$$";
$manager = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
    Local => "\0sled-test-$$") or die "notify: $!";
$sled->run('--root', $dir, '--shell', '/bin/sh');
is(notified(), 'READY=1', 'ready, by an abstract name');

$link = $gateway->accept;
$s = $link->open(work_dir => $dir);
$link->type($s, "trap '' HUP TERM; echo PID-\$\$-; while :; do sleep 1;"
    . " done\n");
my ($pid) = $link->read_until($s, qr/PID-\d+-/) =~ /PID-(\d+)-/;
kill INT => $sled->pid;
is($link->await('terminal.exit')->{payload}{reason}, 'manager_shutdown',
    'SIGINT is the same');
$sled->finish;
ok(!kill(0, $pid), 'and the shell is gone');

done_testing;
