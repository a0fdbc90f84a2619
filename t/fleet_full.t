#!/usr/bin/perl

# A full zone: new work is refused in every party's own words, what stands
# is served, it is said once, and all is well when there is room again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Fleet;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my $t = Uplink::Fleet->new;

$t->fleet('uplink_max_inflight 100000; uplink_max_sessions 100000;',
    size => '128k', memory => '1s')->run;

my $op = $t->operator(at => 1);
my $sled = $t->sled('alpha', at => 0);

# requests of half a page until it is full

my (@open, $full);

for my $n (1 .. 200) {
    $sled->ask("r$n", { text => 'x' x 2000 });

    my $m = $sled->recv_json;

    if ($m->{type} eq 'perm_response') {
        $full = $m;
        last;
    }

    is($m->{type}, 'perm_pending', "request $n stands") if $n == 1;
    push @open, $n;
}

ok($full, 'the zone is full after ' . @open . ' requests');
is($full->{payload}{approved}, $false, 'then a request is denied');
is($full->{payload}{reason}, 'zone_full', 'and told why');

# everybody else

# smaller things may still fit: fill up what is left

my $n = 0;
$n++ while $n < 500 && do {
    $sled->ask("s$n", {});
    $sled->recv_json->{type} eq 'perm_pending';
};

my $r;
for (1 .. 300) {
    $r = $t->http(POST => '/v1/operators', json => {});
    last if $r->status != 201;
    $t->{sessions}{$r->json->{sid}} = 1;
}
is($r->status, 503, 'no room for a session');
is($r->json->{error}{code}, 'zone_full', 'in the words of the API');

$r = $t->http(POST => '/v1/permissions', json => {
    tool_name => 'Bash', tool_input => { text => 'x' x 2000 } });
is($r->status, 503, 'a permission over HTTP is refused');
is($r->json->{error}{code}, 'zone_full', 'in the same words');

my @links;
my $refused;

for (1 .. 300) {
    my $ws = $t->ws('/sled');
    $ws->send_json({ type => 'register', payload => {
        protocol_version => 2, agent_id => "more-$_", capabilities => {} } });
    my $m = $ws->await('registered');

    if (!$m->{payload}{success}) {
        $refused = $m;
        $ws->expect_close(1013, 'a sled is refused with 1013');
        last;
    }

    push @links, $ws;
}

like($refused->{payload}{error}, qr/^zone_full/, 'and zone_full');

my @logged = $t->log =~ /\[crit\].*uplink zone "main" is full/g;
is(@logged, 1, 'it is logged once');
is($t->status->{requests}{pending}, @open + $n, 'what stands is there');

# a decision needs no room: not for the smallest node is there any left

my @fill;
for my $size (4000, 2000, 1000, 500, 240, 120, 60, 30, 8, 1) {
    for (1 .. 2000) {
        my $r = $t->http(POST => '/v1/operators', json => {
            desc => 'x' x $size });
        last if $r->status != 201;
        push @fill, $r->json->{sid};
    }
}

$t->{sessions}{$_} = 1 for @fill;

# it is served

my %seen;
while (keys %seen < @open + $n) {
    my $m = $op->await('perm_request') or last;
    $seen{$m->{req_id}} = 1;
}
is(keys %seen, @open + $n, 'the operator has seen all of it');

$op->decide($_, approved => $true, reason => 'y' x 3000) for keys %seen;
my $got = $sled->answers((map { "r$_" } @open), map { "s$_" } 0 .. $n - 1);
is(keys %$got, @open + $n, 'all are answered');
is_deeply([grep { !$_->{approved} } values %$got], [], 'as decided');

# and there is room again

$sled->ask('again', { text => 'x' x 2000 });
is($sled->recv_json->{type}, 'perm_pending', 'new work is taken');
$sled->send_json({ type => 'perm_cancel', req_id => 'again' });

$_->goodbye for @links;

$t->finish;

done_testing;
