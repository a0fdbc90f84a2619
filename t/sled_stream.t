#!/usr/bin/perl

# Terminal streams of sled: much, paused, torn off and taken up again.
# Uplink::Gateway plays the gateway's part: it says what has to be said at
# the moment it has to be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use Uplink::Daemon;
use Uplink::Gateway;

my $gateway = Uplink::Gateway->new(protocol => 'uplink.bin.v1');
my $sled = Uplink::Daemon->new(gateway => $gateway->url);
my $dir = $sled->dir;
my $megabytes = $sled->{valgrind} ? 4 : 64;

mkdir "$dir/work" or die;
system("head -c ${megabytes}M /dev/urandom > $dir/work/big") == 0 or die;

$sled->run('--root', "$dir/work", '--shell', '/bin/sh',
    '--resume-window', '3s', '--stable', '1ms', '--scrollback', '262144');

my $link = $gateway->accept;

sub shell {
    my $s = $link->open(work_dir => "$dir/work", @_);
    $link->type($s, "stty raw -echo; PS1=; echo READY-\$((1+1))\n");
    $link->read_until($s, qr/READY-2\n/) or die "no shell: $link->{error}";
    return $s;
}

sub file_sha { Digest::SHA->new(256)->addfile("$dir/work/$_[0]")->hexdigest }

# ---- much

my $s = shell();
my $sha = Digest::SHA->new(256);
my ($got, $want) = (0, $megabytes << 20);

$link->{sink} = sub { $sha->add($_[1]); $got += length $_[1] };
my $at = time;
$link->type($s, "cat big; exit\n");
ok($link->await('terminal.exit', 60), 'cat of much, to its end');
note(sprintf '%d MB in %.1f s', $megabytes, time - $at);
is($got, $want, 'every byte');
is($sha->hexdigest, file_sha('big'), 'the right ones');
ok($link->{binary}, 'in binary frames');
delete $link->{sink};

# ---- paused: the child blocks, and nothing comes

$s = shell();
my $id = $s->{session_id};
$link->say('terminal.pause', { session_id => $id });
system("head -c 8M $dir/work/big > $dir/work/part") == 0 or die;
$link->type($s, "echo \$\$ > pid; exec cat part\n");

sub slurp {
    open my $file, '<', $_[0] or return '';
    local $/;
    return scalar(<$file>) // '';
}

my $pid = $sled->wait_for(sub { slurp("$dir/work/pid") =~ /(\d+)\n/ && $1 });
ok($pid, 'it runs');
ok($sled->wait_for(sub { slurp("/proc/$pid/wchan") =~ /n_tty_write|wait_woken/
        || slurp("/proc/$pid/stat") =~ /\(cat\) S/ }), 'it sleeps');

my $io = sub { slurp("/proc/$pid/io") =~ /^wchar: (\d+)/m && $1 };
my $last = -1;

ok($sled->wait_for(sub {
    my $now = $io->();
    my $same = $now == $last;
    $last = $now;
    sleep 0.2;
    return $same;
}), 'it has stopped writing');
cmp_ok($last, '<', 200_000, "after what the kernel takes ($last)");
is($link->{data}{$id}, '', 'and none of it has come');

my $sled_cpu = (split ' ', slurp('/proc/' . $sled->pid . '/stat'))[13];
sleep 0.3;
cmp_ok((split ' ', slurp('/proc/' . $sled->pid . '/stat'))[13] - $sled_cpu,
    '<', 5, 'the sled does not spin meanwhile');

$sha = Digest::SHA->new(256);
$got = 0;
$link->{sink} = sub { $sha->add($_[1]); $got += length $_[1] };
$link->say('terminal.resume', { session_id => $id });
ok($link->await('terminal.exit', 60), 'resumed, to its end');
is($sha->hexdigest, file_sha('part'), 'nothing is missing');
delete $link->{sink};

# ---- nobody reads the socket: the child blocks as well, and nothing grows

sub rss { slurp('/proc/' . $sled->pid . '/status') =~ /^VmRSS:\s+(\d+)/m }

$s = shell();
my ($before) = rss();
$link->type($s, "echo \$\$ > pid3; exec cat part\n");
$pid = $sled->wait_for(sub { slurp("$dir/work/pid3") =~ /(\d+)\n/ && $1 });
$last = -1;

ok($sled->wait_for(sub {
    my $now = $io->();
    my $same = $now == $last && slurp("/proc/$pid/stat") =~ /\(cat\) S/;
    $last = $now;
    sleep 0.2;
    return $same;
}), 'a socket that is full: it has stopped writing');
cmp_ok($last, '<', 2 << 20, "long before its end ($last)");
cmp_ok((rss())[0] - $before, '<', 4096, 'and the sled has not grown');

$sha = Digest::SHA->new(256);
$link->{sink} = sub { $sha->add($_[1]) };
ok($link->await('terminal.exit', 60), 'read again, to its end');
is($sha->hexdigest, file_sha('part'), 'nothing is missing');
delete $link->{sink};

# ---- the last bytes of a shell that ends while nobody reads: the kernel
# would throw away what is not read when the leader of a session exits

for my $n (1 .. 10) {
    $s = shell();
    $id = $s->{session_id};
    $link->say('terminal.pause', { session_id => $id });
    $link->type($s, "rm -f gone; (sleep 0.1; echo > gone) &"
        . " seq 1 1000; exit\n");
    $sled->wait_for(sub { -e "$dir/work/gone" });
    $link->say('terminal.resume', { session_id => $id });
    $link->await('terminal.exit');
    is($link->{data}{$id}, join('', map { "$_\n" } 1 .. 1000),
        "the last words, $n");
}

# ---- torn off in the middle, several times: not one byte too many or few

$s = shell();
$id = $s->{session_id};
my $start = $link->{bytes}{$id};
my $offset = $start;
my $stream = '';
my $lines = 400_000;
my $cuts = 0;

$link->type($s, "seq 1 $lines; exit\n");

while (!$link->{over}) {
    my $enough = 100_000 + int rand 300_000;
    my $from = $offset;

    for ( ;; ) {
        my $m = $link->next(10) or last;

        if ($m->{type} eq 'binary') {
            $stream .= $m->{data};
            $offset += length $m->{data};
        }

        $link->{over} = $m->{payload} if $m->{type} eq 'terminal.exit';
        last if $link->{over} || $offset - $from > $enough && $cuts < 6;
    }

    last if $link->{over} || $link->{error};

    # whatever is on the wire is lost

    $link->close(reset => $cuts % 2);
    $cuts++;
    $link = $gateway->accept(resumed => 1);
    $link->say('terminal.attach', { request_id => "a$cuts",
        session_id => $id, offset => $offset });
    my $opened = $link->await('terminal.opened')->{payload};

    if ($opened->{request_id} ne "a$cuts" || $opened->{offset} != $offset) {
        fail("attached at $offset");
        last;
    }
}

is($cuts, 6, 'torn off six times');
is($link->{over}{exit_code}, 0, 'and ended');
ok($stream eq join('', map { "$_\n" } 1 .. $lines),
    'every line once, in order') or diag(length $stream);

# ---- replay

$s = shell();
$id = $s->{session_id};
$link->type($s, "echo one; echo two-\$((1+1))\n");
$link->read_until($s, qr/two-2\n/);

sub attach {
    my ($offset) = @_;

    $link->say('terminal.attach', { request_id => 'x', session_id => $id,
        offset => $offset });
    $link->{data}{$id} = '';

    for ( ;; ) {
        my $m = $link->next(5) or return;
        return $m->{payload} if $m->{type} =~ /^terminal\.(?:opened|error)$/;
    }
}

is(attach(0)->{offset}, 0, 'replay from the start');
like($link->read_until($s, qr/two-2\n/), qr/READY-2\none\ntwo-2\n/,
    'the same bytes again');
is(attach(1e6)->{code}, 'bad_request', 'an offset of the future');

$link->type($s, "seq 1 100000; echo DONE-\$((1+1))\n");
$link->read_until($s, qr/DONE-2\n/, 20);
my $oldest = attach(0)->{offset};
is(length $link->read_until($s, qr/DONE-2\n/), 262144,
    'older than the ring: from its oldest byte');
cmp_ok($oldest, '>', 300_000, 'which it says');

# ---- an exit while there is no link is told on the next one

sub back {
    my ($offset) = @_;

    my $handles = $link->{handles};

    $link->close(reset => 1);
    $link = $gateway->accept(resumed => 1);
    $link->{handles} = $handles;
    $link->say('terminal.attach', { request_id => 'y', session_id => $id,
        offset => $offset });
    return $link->await('terminal.exit')->{payload};
}

my $end = $oldest + 262144;
$link->type($s, "echo GO-\$((1+1)); sleep 0.3; echo bye; exit 3\n");
$link->read_until($s, qr/GO-2\n/);
my $exit = back($end);
is($exit->{exit_code}, 3, 'an exit while there is no link');
is($link->{data}{$id}, "GO-2\nbye\n", 'with what came before it');

# one that was sent, but did not arrive

$s = shell();
$id = $s->{session_id};
$end = $link->{bytes}{$id};
$link->{mute} = 1;
$link->type($s, "exit 4\n");
is($link->await('terminal.exit')->{payload}{exit_code}, 4, 'an exit, unheard');
is(back($end)->{exit_code}, 4, 'is told again');

sub terminals { ($sled->command('status'))[1]{terminals} }

ok($sled->wait_for(sub { $link->next(0.05); terminals() == 0 }),
    'and forgotten when it has arrived');
is(attach(0)->{code}, 'session_not_found', 'then it is not found');

# ---- half of the ring is for what is confirmed, however fast a program writes

$s = shell();
$id = $s->{session_id};
$link->type($s, "yes\n");
$link->read_until($s, qr/(?:y\n){20000}/, 20) for 1 .. 10;
$link->{mute} = 1;

while (my $m = $link->next(0.5)) {
    $link->collect($m) or push @{$link->{kept}}, $m;
}

my $back = $link->{bytes}{$id} - 250_000;
is(attach($back)->{offset}, $back, 'what was confirmed is there');

# ---- not resumed: the shells are ended

$s = shell();
$link->type($s, "echo \$\$ > pid2; echo OK-\$((1+1))\n");
$link->read_until($s, qr/OK-2/);
$pid = slurp("$dir/work/pid2") + 0;
$link->close(reset => 1);
$link = $gateway->accept(resumed => 0);
ok($sled->wait_for(sub { !kill 0, $pid }), 'a new start: the shell is gone');

$s = shell();
$link->type($s, "echo \$\$ > pid2; echo OK-\$((1+1))\n");
$link->read_until($s, qr/OK-2/);
$pid = slurp("$dir/work/pid2") + 0;
my $port = $gateway->{port};
close $gateway->{listen};
$link->close;
ok(kill(0, $pid), 'away: the shell lives');
ok($sled->wait_for(sub { !kill 0, $pid }), 'until the window is over');
$gateway = Uplink::Gateway->new(port => $port);

$sled->finish;
done_testing;
