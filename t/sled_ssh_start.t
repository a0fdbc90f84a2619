#!/usr/bin/perl

# How sled ssh finds its host, and what it says when the host cannot be used:
# a real ssh and a real sshd.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Uplink::Daemon;
use Uplink::Gateway;
use Uplink::Sshd;

plan skip_all => 'needs openssh-server' unless Uplink::Sshd->program;

my $gateway = Uplink::Gateway->new;
my $sled = Uplink::Daemon->new(gateway => $gateway->url);
my $dir = $sled->dir;
my $user = getpwuid $>;

my $sshd = Uplink::Sshd->new(dir => $dir, force => ['exit 127',
    'echo welcome; echo SLED-AGENT 99 ready; sleep 5', 'exit 5',
    'exec sleep 60', 'yes too much', 'echo welcome to this machine; echo; eval '
        . '"$SSH_ORIGINAL_COMMAND"', 'exit 126']);

my $config = $sshd->config('ssh_config');
my @key = ('-F', $config, '-i', "$dir/user_key");

# ---- what goes wrong at the start is said in words, and is the end

sub fails {
    my ($code, $re, $name, @arg) = @_;

    my $at = time;
    my ($got, undef, undef, $err) = $sled->command('ssh', '--id', 'x',
        '--gateway', $gateway->url, '--ready-timeout', '10s', @arg);
    is($got, $code, "$name: $code");
    like($err, $re, 'says what to do');

    return time - $at;
}

my $unreachable = qr/ cannot be reached, or does not accept these .*"ssh /;

fails(1, $unreachable, 'a wrong key', '-F', $sshd->config('ssh_wrong',
    key => 'other_key'), 'thebox');
fails(1, $unreachable, 'nobody listens', '-F', $config,
    $user . '@127.0.0.1:1');
fails(1, qr/key verification failed[^z]*$unreachable/s, 'a host of another key',
    '-F', $sshd->config('ssh_stranger', more => "  GlobalKnownHostsFile none\n"
        . "  UserKnownHostsFile $dir/none\n"), 'thebox');
fails(1, qr/ has no python3: install it there/, 'no python3', @key,
    '127.0.0.1:' . $sshd->port(1));
fails(1, qr/agent speaks another version of its protocol/, 'another agent',
    @key, '127.0.0.1:' . $sshd->port(2));
fails(1, qr/agent ended with code 5/, 'another failure', @key,
    '127.0.0.1:' . $sshd->port(3));
cmp_ok(fails(1, qr/agent was not ready in time: .* "ready-timeout"/,
    'a host that says nothing', @key, '--ready-timeout', '600ms',
    '127.0.0.1:' . $sshd->port(4)), '<', 5 * $Uplink::Socket::patience,
    'and not later than asked');
fails(1, qr/login says too much: make it quiet/, 'a talkative login', @key,
    '127.0.0.1:' . $sshd->port(5));
fails(1, qr/cannot be executed/, 'a python3 that cannot be executed', @key,
    '127.0.0.1:' . $sshd->port(7));
fails(1, qr/ssh was killed by signal 9/, 'ssh is killed', '-o',
    'ProxyCommand=kill -9 $PPID', @key, 'thebox');

# no ssh at all

{
    mkdir "$dir/empty";
    local $sled->{env}{PATH} = "$dir/empty";
    local $sled->{valgrind};
    fails(1, qr/sled: ssh: No such file/, 'no ssh', @key, 'thebox');
}

# what is no host is told before anything is started

fails(2, qr/invalid option/, 'an option instead of a host', '-oProxyCommand=x',
    'thebox');
fails(2, qr/invalid host/, 'a port that is none', 'host:99999');
fails(2, qr/invalid host/, 'a host like an option', 'me@-oProxyCommand=x');
fails(2, qr/invalid host/, 'two of them', 'one', 'two');
fails(2, qr/usage: sled ssh/, 'none');

# ---- who is written how is found

sub finds {
    my ($name, @arg) = @_;

    $sled->{process} = $sled->start('ssh', '--id', 'x', '--gateway',
        $gateway->url, @arg);
    my $link = $gateway->accept;
    is($link->{register}{agent_id}, 'x', $name);
    $link->close;
    $sled->finish;

    # it may have dialed once more between the two

    $gateway->forget;

    return;
}

my $port = $sshd->port;

finds('a name of ssh_config', '-F', $config, 'thebox');
finds('user, address and port', @key, "$user\@127.0.0.1:$port");
finds('a host after the options', @key, '--log-level', 'debug',
    '127.0.0.1:' . $port);
finds('a login that says hello', @key, '127.0.0.1:' . $sshd->port(6));

SKIP: {
    skip 'there is no ::1', 2 unless $sshd->{v6};
    finds('IPv6, in brackets', @key, "$user\@[::1]:$port");
}

done_testing;
