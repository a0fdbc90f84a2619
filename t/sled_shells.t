#!/usr/bin/perl

# Shells of a real sled through a real nginx with two workers: what people do
# in them, many of them, and what is told when somebody is killed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA;
use JSON::PP;
use Test::More;

use Uplink::Daemon;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->fleet(<<'EOC', size => '8m', listen => 'sndbuf=128k')->run;
        uplink_resume_window 2s;
        uplink_terminal_linger 20s;
        uplink_max_terminals_per_user 200;
EOC

my $sled = Uplink::Daemon->new(id => 'alpha',
    gateway => 'ws://127.0.0.1:' . $t->port . '/sled');
my $work = "$sled->{dir}/work";
my $megabytes = $sled->{valgrind} ? 4 : 64;

mkdir $work or die "mkdir: $!";
system("head -c ${megabytes}M /dev/urandom > $work/big") == 0 or die;

$sled->run('--stable', '1ms', '--shell', '/bin/sh', '--workspace', 'w',
    '--scrollback', 8 << 20, '--resume-window', '2s',
    '--task', "issue=i,dir=$work");
ok($sled->wait_log(qr/registered: .* anew/), 'the sled registers');
ok($t->announced('alpha'), 'and has a task');

# a browser at a new shell, that has no prompt and does not echo

sub shell {
    my (%arg) = @_;

    my $b = $t->browser(binary => 1, rcvbuf => 131072, %arg);
    my $opened = $b->await('terminal.opened') or die 'no shell';

    $b->{opened} = $opened->{payload};
    $b->type("PS1=; stty -echo; echo UP-\$((1+1))\n");
    $b->{offset} = length($b->see(qr/UP-2\r\n/) // die 'no answer');

    return $b;
}

sub exit_of {
    my ($b) = @_;

    my $exit = $b->hear('terminal.exit') or return 'nothing';
    return "$exit->{exit_code} $exit->{reason}";
}

# ---- 64 MB, the right ones

my $b = shell();
my $sha = Digest::SHA->new(256);
my ($got, $want) = (0, $megabytes << 20);

$b->type("stty raw; echo GO-\$((1+1)); cat big; exit\n");
$sha->add($1) if $b->see(qr/GO-2\n/) =~ /GO-2\n(.*)/s;
$got += length $1;

while ($got < $want) {
    my $more = $b->shown(1, 20);
    last if $more eq '';
    $sha->add($more);
    $got += length $more;
}

is($got, $want, "$megabytes MB");
is($sha->hexdigest, Digest::SHA->new(256)->addfile("$work/big")->hexdigest,
    'the right ones');
is(exit_of($b), '0 exited', 'and the end of the shell');
$b->expect_close(1000, 'and of the socket');

# ---- what people do

$b = shell(query => 'cols=101&rows=33');
$b->type("stty size; echo END-\$((1+1))\n");
like($b->see(qr/END-2/), qr/^33 101\r$/m, 'as large as the browser');
$b->say('terminal.resize', cols => 132, rows => 50);
$b->type("stty size; echo END-\$((1+1))\n");
like($b->see(qr/END-2/), qr/^50 132\r$/m, 'and as it is now');

# a program is told of it, and one in raw mode gets every key, as vim does

$b->type("sh -c 'trap \"echo WINCH-\\\$((1+1))\" WINCH; echo UP-\$((1+1));"
    . " while sleep 0.1; do :; done'\n");
$b->see(qr/UP-2/);
$b->say('terminal.resize', cols => 80, rows => 24);
ok($b->see(qr/WINCH-2/), 'who runs is told of a new size');
$b->type("\x03");

$b->type("stty raw; echo RAW-\$((1+1));"
    . " dd bs=1 count=8 2>/dev/null | od -An -tx1; stty sane -echo\n");
$b->see(qr/RAW-2/);
$b->type("\x03\x1a\x04\e[A\r\x00");
like($b->see(qr/03 .*\n/), qr/03 1a 04 1b 5b 41 0d 00/, 'raw mode is raw');

$b->type("sh -c 'echo UP-\$((1+1)); exec sleep 100'\n");
$b->see(qr/UP-2/);
$b->type("\x03");
$b->type("echo BACK-\$?-\n");
like($b->see(qr/BACK-\d+-/), qr/BACK-130-/, 'Ctrl-C ends what runs');

# a background process does not hold the shell up, and survives it

$b->type("(trap '' HUP; exec sleep 300) & echo BG-\$!-; exit 5\n");
my ($pid) = $b->see(qr/BG-\d+-/) =~ /BG-(\d+)-/;
is(exit_of($b), '5 exited', 'a process left behind: the shell ends');
ok(kill(0, $pid), 'it lives on');
kill KILL => $pid;

# one that ignores SIGHUP, and a browser that closes

$b = shell();
$b->type("trap '' HUP; echo PID-\$\$-; while :; do sleep 1; done\n");
($pid) = $b->see(qr/PID-\d+-/) =~ /PID-(\d+)-/;
$b->say('terminal.close', reason => 'panel_unmount');
ok($sled->wait_for(sub { !kill 0, $pid }), 'one that ignores SIGHUP is gone');

# ---- many

my $n = $sled->{valgrind} || $ENV{UPLINK_VALGRIND} ? 10 : 100;
my @many = map {
    $t->browser(binary => 1, query => 'cols=80')
} 1 .. $n;

is((grep { $_->await('terminal.opened') } @many), $n, "$n shells");
ok($t->wait_for(sub { $t->status->{terminals}{sessions} == $n }),
    'are known to the gateway');

$many[$_]->type("echo SUM-\$(seq $_ 20000 | cksum)-\n") for 0 .. $#many;

my $right = 0;

for my $i (0 .. $#many) {
    my ($sum) = `seq $i 20000 | cksum` =~ /(\d+ \d+)/;
    $right++ if ($many[$i]->see(qr/SUM-\d+ \d+-/, 30) // '') =~ /SUM-$sum-/;
}

is($right, $n, 'each shows its own');
$_->type("exit\n") for @many;
is((grep { exit_of($_) eq '0 exited' } @many), $n, 'and ends');
undef @many;

# ---- a worker is killed in the middle of a stream: of the sled, which
# resumes, or of the browser, which comes back by its offset

my $lines = 400_000;

# the worker that has the connection of the sled

sub worker_of_sled {
    my %mine = map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/ ? ($1 => 1)
        : () } glob '/proc/' . $sled->pid . '/fd/*';
    my $there = sprintf ':%04X', $t->port;

    for my $line (split /\n/, $sled->slurp('/proc/net/tcp')) {
        my @field = split ' ', $line;
        next unless $mine{$field[9] // ''} && $field[2] =~ /$there$/;
        my ($port) = $field[1] =~ /:(\w+)$/;
        return $t->pid_of(bless { port => $t->port, local_port => hex $port },
            'Uplink::Socket');
    }

    die 'the sled has no connection';
}

# have these processes done nothing for a while?

sub idle {
    my $busy = sub { join ' ', map {
        join '+', (split ' ', $sled->slurp("/proc/$_/stat"))[13, 14] } @_ };
    my $before = $busy->(@_);

    select undef, undef, undef, 0.1;
    return $busy->(@_) eq $before;
}

sub back {
    my ($opened, $offset) = @$b{qw(opened offset)};

    $b->close;
    $b = $t->browser(binary => 1, rcvbuf => 131072, resume =>
        $opened->{resume_token},
        query => "session=$opened->{session_id}&offset=$offset");

    my $m = $b->await('terminal.opened') or return;
    @$b{qw(opened offset)} = ($m->{payload}, $offset);

    return is($m->{payload}{offset}, $offset, 'back, at the next byte');
}

for my $whose ('the sled', 'the browser') {
    my $worker = worker_of_sled();
    my ($other) = grep { $_ != $worker } $t->workers;

    $b = shell(at => $t->port_of($other));
    $b->type("seq 1 $lines; echo the-e''nd\n");

    my $all = $b->shown(1_000_000, 20);
    $b->{offset} += length $all;

    # (nobody reads meanwhile: both workers have nothing to do, and it is not
    # in the middle of something that the others would have to give up)

    $t->wait_for(sub { idle($worker, $other) }, 20);
    my $new = $t->kill9($whose eq 'the sled' ? $worker : $other);

    while (substr($all, -100) !~ /the-end/) {
        my $more = $b->shown(1, 10);
        $all .= $more;
        $b->{offset} += length $more;
        next if $more ne '';
        last if $b->error eq 'timeout' || !back();
    }

    my ($got) = $all =~ /\A(.*)the-end\r\n\z/s;
    ok(($got // '') eq join('', map { "$_\r\n" } 1 .. $lines),
        "the worker of $whose is killed: every line once, in order")
        or diag(length $all);

    $b->type("exit\n");
    is(exit_of($b), '0 exited', 'and the shell goes on to its end');
}

# ---- kill -9 of the sled

$b = shell();
my $at = $t->browser(binary => 1, query => 'mode=view&session='
    . $b->{opened}{session_id});
$at->await('terminal.opened');
$b->type("echo PID-\$\$-\n");
($pid) = $b->see(qr/PID-\d+-/) =~ /PID-(\d+)-/;
$sled->kill_hard;

for my $who ($b, $at) {
    my $away = $who->hear('terminal.state') // {};
    is($away->{state}, 'sled_away', 'the sled is killed: told so');
    is(exit_of($who), '-1 sled_lost', 'and that it did not come back');
    $who->expect_close(1000);
}

ok($sled->wait_for(sub { !kill 0, $pid }), 'its shells are gone');

$t->finish;
done_testing;
