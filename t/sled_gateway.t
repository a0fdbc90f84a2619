#!/usr/bin/perl

# Nothing in between is played: a shell of a real sled, through a real nginx
# with two workers, which is reloaded while the shell writes.  The browser
# comes back by the offset it has, and not a byte is missing or doubled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use Test::More;

use Uplink::Daemon;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

# (nobody's buffers are so large that the stream would be over before)

$t->fleet(<<'EOC', size => '4m', listen => 'sndbuf=128k')->run;
        uplink_drain_timeout 3s;

        location ~ ^/t/(?<issue>\w+)$ {
            uplink_terminal main issue=$issue workspace=$arg_workspace_id;
        }
EOC

my $daemon = Uplink::Daemon->new(id => 'alpha',
    gateway => 'ws://127.0.0.1:' . $t->port . '/sled');

mkdir "$daemon->{dir}/work" or die "mkdir: $!";

# (what the browser has not read yet when it leaves, a megabyte here, must be
# in the ring when it comes back)

$daemon->run('--stable', '1ms', '--workspace', 'w', '--scrollback', '8388608',
    '--task', "issue=i,dir=$daemon->{dir}/work");
ok($daemon->wait_log(qr/registered: .* anew/), 'the sled registers');
ok($t->announced('alpha'), 'and has a task');

my @small = (path => '/t/i', rcvbuf => 131072);
my $browser = $t->browser(@small, query => 'cols=101&rows=33');
my $opened = $browser->await('terminal.opened');

ok($opened, 'a shell opens');
is($opened->{payload}{work_dir}, "$daemon->{dir}/work", 'where the task is');
is($opened->{payload}{shell}, ((getpwuid $>)[8] || '/bin/sh') =~ s{.*/}{}r,
    'the shell of the user');

my $lines = 2_000_000;
my $all = '';

# until a sub says so; comes back when the gateway asks for it

sub read_until {
    my ($done) = @_;

    my $deadline = time + 60 * $Uplink::Socket::patience;

    while (!$done->() && time < $deadline) {
        $browser->{skipped} = [];
        my $more = $browser->shown(1, 10);

        if (length $more) {
            $all .= $more;
            next;
        }

        # closed, or told to come back: from the byte that is next

        last if $browser->error && $browser->error eq 'timeout';
        back() or last;
    }

    return $done->();
}

my $times = 0;

sub back {
    $browser->close;
    $browser = $t->browser(@small, query => 'session='
        . $opened->{payload}{session_id} . '&offset=' . length $all,
        resume => $opened->{payload}{resume_token});

    my $again = $browser->await('terminal.opened');
    ok($again, 'back at the same shell');
    is($again && $again->{payload}{offset}, length $all,
        'at the byte that is next');
    is($again && $again->{payload}{mode}, 'drive', 'as its driver');
    $opened = $again if $again;
    $times++;

    return $again;
}

$browser->type("stty -echo; stty size; echo rea''dy\n");
ok(read_until(sub { $all =~ /ready\r$/m && $all =~ /\d+ \d+\r$/m }),
    'it answers');
like($all, qr/33 101\r$/m, 'in the size that the browser has');

my $from = length $all;
$browser->type("seq 1 $lines; echo the-e''nd\n");

ok(read_until(sub { length $all > $from + 4_000_000 }), 'it writes');

$t->reload(wait => 'new');

# the sled comes to the new worker while it has more to say

ok($daemon->wait_log(qr/registered: .* resumed/), 'the sled comes back');
unlike(substr($all, -4096), qr/the-end/, 'in the middle of it');

# leave when told to, as a page does

ok(back(), 'during the reload');
ok(read_until(sub { substr($all, -4096) =~ /^the-end\r$/m }),
    'it writes to the end');

my ($got) = substr($all, $from) =~ /(1\r\n2\r\n.*)the-end\r\n/s;
my $want = join '', map { "$_\r\n" } 1 .. $lines;

is(length($got // ''), length $want, 'as many bytes as the shell wrote');
is(md5_hex($got // ''), md5_hex($want), 'and the same ones');

$browser->type("exit 7\n");
my $exit = $browser->await('terminal.exit');
is($exit && $exit->{payload}{exit_code}, 7, 'the shell ends');
$browser->expect_close(1000, 'and so does the socket');

$daemon->finish;
$t->finish;

done_testing;
