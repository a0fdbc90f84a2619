#!/usr/bin/perl

# A shell of a real sled that nobody looks at: what it writes stops soon,
# instead of going over the network for as long as it lingers, and goes on
# at the same byte when its browser comes back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw/ time /;

use Uplink::Daemon;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_terminal_linger 60s;
    uplink_send_buffer 128k;', size => '4m')->run;

my $daemon = Uplink::Daemon->new(id => 'alpha',
    gateway => 'ws://127.0.0.1:' . $t->port . '/sled');

mkdir "$daemon->{dir}/work" or die "mkdir: $!";

$daemon->run('--workspace', 'w', '--scrollback', '8388608',
    '--task', "issue=i,dir=$daemon->{dir}/work");
ok($daemon->wait_log(qr/registered: .* anew/), 'the sled registers');

sub offset {
    my ($list) = $t->http(GET => '/v1/terminals')->json->{terminals};

    return $list->[0]{offset};
}

# since when it has not moved

sub stands {
    my ($last, $since) = (-1, time);

    return $t->wait_for(sub {
        my $now = offset();
        ($last, $since) = ($now, time) if $now != $last;
        return time - $since > 0.5;
    }, 20);
}

for my $at (0, 1) {
    my $browser = $t->browser(at => $at);
    my $opened = $browser->await('terminal.opened')->{payload};

    $browser->type("stty -echo; PS1=; printf 'o%s\\n' k; seq 1 99999999\n");

    my $all = '';
    $all .= $browser->shown(1) until $all =~ /ok\r\n/ || $browser->error;
    my $from = index($all, "ok\r\n") + 4;

    for my $n (1 .. 3) {
        $all .= $browser->shown(100_000);
        $t->leave($browser);

        ok(stands(), "worker $at, $n: it stands when nobody is there");
        cmp_ok(offset(), '<', length($all) + 8 * 1024 * 1024,
            "worker $at, $n: within the ring");

        $browser = $t->browser(at => $at, resume => $opened->{resume_token},
            query => "session=$opened->{session_id}&offset="
                . length $all);
        my $again = $browser->await('terminal.opened')->{payload};
        is($again->{offset}, length $all, "worker $at, $n: back");
        $all .= $browser->shown(100_000);
    }

    # every line is the one that is next

    my @lines = split /\r\n/, substr $all, $from;
    pop @lines;
    my ($wrong) = grep { $lines[$_] ne $_ + 1 } 0 .. $#lines;
    is($wrong, undef, "worker $at: nothing is missing or doubled");
    cmp_ok(scalar @lines, '>', 50_000, "worker $at: of many lines");

    # behind all that is under way

    $browser->say('terminal.close');
    $browser->shown(1 << 30, 20);
    ok(scalar(grep { $_->{type} eq 'terminal.exit' }
        @{$browser->{skipped}}), "worker $at: it ends");
    $browser->close;
}

$daemon->finish;
$t->finish;

done_testing;
