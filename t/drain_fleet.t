#!/usr/bin/perl

# ./dev bench drain, in small: a fleet under load goes through reloads with
# another number of workers, and through the death of one.  The load tool
# checks each byte of each shell, each decision and each key; what is checked
# here is who came back, and when.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;

my ($sleds, $terminals, $requests, $grace) = (300, 50, 30, 5);

my $t = Uplink::Test->new;
my $load = $t->dir . '/load';

is(system(qw(gcc -O2 -g -Wall -Wextra -Werror -o), $load,
    glob "$Uplink::Test::root/t/bench/*.c"), 0, 'the load tool compiles');

my $conf = <<"EOC";
    uplink_zone main 8m;
    uplink_auth off;
    uplink_drain_timeout ${grace}s;
    uplink_terminal_linger 30s;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }

        location ~ ^/issues/(?<issue>[^/]+)/terminal\$ {
            uplink_terminal main issue=\$issue
                            workspace=\$arg_workspace_id;
        }
    }
EOC

$t->conf($conf, workers => 2)->run;

# more workers, and fewer

for my $workers (3, 1) {
    my @old = $t->workers;

    $t->conf($conf, workers => $workers);

    my %got = load('kill -HUP ' . $t->master, 1, @old);

    is($got{resumed}, $sleds, "to $workers workers: every sled is back");
    is($got{anew}, 0, 'none from the beginning');
    is($got{lost}, 0, 'none was cut off');
    is($got{reattached}, $terminals, 'every browser is at its shell');
    is($got{answered}, $requests, 'every request was decided');
    cmp_ok($got{old_s}, '<', $grace + 2, 'the old workers are gone');

    # an even share of the half of the grace in which they are to come

    my $share = $sleds / ($grace / 2);

    cmp_ok($got{most}, '<=', 2 * $share,
        'no second has more than its share twice over');
}

$t->conf($conf, workers => 2)->reload;

my ($victim) = $t->workers;
my %got = load("kill -KILL $victim", 0, $victim);

is($got{anew}, 0, 'kill -9: who was there before is there again');
is($got{answered}, $requests, 'every request was decided');
cmp_ok($got{lost}, '>', 0, 'some were cut off');
cmp_ok($got{told_s}, '<', 1 * $Uplink::Socket::patience,
    'and heard of it at once');

$t->allow(qr/worker process $victim exited on signal 9/);
$t->finish;
done_testing;


# a fresh fleet, what happens to it, and what came of it

sub load {
    my ($action, $moves, @leaving) = @_;

    my %args = (
        port => $t->port, uri => '/sled', issues => '/issues', n => $sleds,
        terminals => $terminals, requests => $requests, frame => 512,
        rate => 20, warm => 0.3, moves => $moves,
        secs => ($grace + 10) * $Uplink::Socket::patience,
        action => $action, workers => join(',', @leaving),
    );

    my $pid = open my $out, '-|', $load, 'drain', map { "$_=$args{$_}" }
        sort keys %args or die "$load: $!";

    my %result = map { /^(\w+) (\S+)$/ ? ($1, $2) : () } <$out>;

    ok(close $out, "$action: no byte and no decision is missing");

    return %result;
}
