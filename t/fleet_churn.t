#!/usr/bin/perl

# Two thousand that come and go: the zone and the file descriptors are back
# where they were.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->fleet('uplink_resume_window 200ms;', memory => '100ms')->run;

my $op = $t->operator;

$t->sled('warm')->goodbye for 1 .. 4;

my @workers = $t->workers;
my $settled = sub {
    my $s = $t->status;
    return $s->{sleds}{agents} == 0 && $s->{requests}{ended} == 0 ? $s : undef;
};

my $before = $t->wait_for($settled);
my %fds = map { $_ => $t->fds($_) } @workers;

for my $n (1 .. 2000) {
    my $way = $n % 5;

    if ($way == 0) {
        my $ws = $t->ws('/sled');                 # never says a word
        $ws->close;
        next;
    }

    my $sled = $t->sled('s' . $n % 50);

    if ($way == 1) {
        $sled->ask('r', { n => $n });             # lost with a request
        $sled->close;

    } elsif ($way == 2) {
        $sled->send_raw("\xff\xff\xff");          # breaks the rules
        $sled->close;

    } elsif ($way == 3) {
        $sled->ask('r', { n => $n });
        $sled->send_json({ type => 'perm_cancel', req_id => 'r' });
        $sled->goodbye;

    } else {
        $sled->goodbye;
    }
}

my $after = $t->wait_for($settled, 20);

ok($after, 'nobody is left');
is($after->{zone}{used}, $before->{zone}{used}, 'the zone is as it was');
is($after->{zone}{entries}, $before->{zone}{entries}, 'and its entries');
is_deeply([$t->workers], \@workers, 'the workers are the same');

for my $pid (@workers) {
    ok($t->wait_for(sub { $t->fds($pid) <= $fds{$pid} + 1 }),
        "file descriptors of worker $pid");
}

is($after->{counters}{zone_full}, 0, 'it was never full');

$t->finish;

done_testing;
