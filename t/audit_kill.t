#!/usr/bin/perl

# kill -9 of workers that are busy: what has happened in the fleet is in the
# audit log, each of it once, and the chains of the dead are ended by those
# who clean up after them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Audit;

my $kills = 8;
my $t = Uplink::Audit->new;

# a worker that dies with the lock in its hand takes the zone with it: that is
# seldom, and no fault of this test

$t->allow(qr/left uplink zone "main" in an unknown state/);
$t->allow(qr/shared memory zone "main" was locked by \d+/);

$t->audit('input=on', <<'EOC', size => '4m')->run;
    uplink_permission_timeout 200ms;
    uplink_resume_window 2s;
EOC

my $sled = $t->sled('alpha');

for my $round (1 .. $kills) {
    my @workers = $t->workers;
    my $victim = $workers[$round % 2];

    # more than it can do before it is killed

    kill STOP => $victim;

    my @calls = map { $t->start(POST => '/v1/permissions?wait=0', json => {
        tool_name => "T$round", tool_input => { n => $_ } }) } 1 .. 30;

    eval { $sled->ask("r$round-$_", { n => $_ }) for 1 .. 10 };

    kill CONT => $victim;

    # some of them are answered, by either worker

    $t->readable(1, @calls);
    $t->kill9($victim);

    $sled = $t->sled('alpha', resume => $sled) if $sled->readable
        && !eval { $sled->send_json({ type => 'heartbeat', req_id => 'h',
            payload => {} }); $sled->await('heartbeat_ack') };
    $_->close for @calls;
}

ok($t->wait_for(sub { $t->status->{requests}{pending} == 0 }, 10),
    'every request has come to an end');

# the last of a dead worker is written when another one has cleaned up

ok($t->wait_for(sub { $t->said('worker_lost') == $kills }),
    'every death is told');

my $c = $t->counters;

$t->finish(leaves => 'a sled may resume, requests are remembered');

my %n = map { $_ => 0 } qw(asked decided expired withdrawn delivered applied);
$n{$_->{event}}++ for $t->lines;

SKIP: {
    skip 'a worker died with the lock in its hand', 8
        if $c->{zone_quarantines};

    cmp_ok($n{asked}, '>=', 30, 'there is something to count');
    is($n{asked}, $c->{requests_opened}, 'every request was asked once');
    is($n{expired}, $c->{requests_expired}, 'expired once');
    is($n{withdrawn}, $c->{requests_withdrawn}, 'or withdrawn once');
    is($n{expired} + $n{withdrawn}, $n{asked}, 'and nothing else');

    my %each;
    $each{$_->{req_id}}{$_->{event}}++ for grep { $_->{req_id} } $t->lines;
    is(scalar(grep { !$_->{asked} || $_->{asked} > 1
            || ($_->{expired} // 0) + ($_->{withdrawn} // 0) != 1 }
        values %each), 0, 'each has one of each');

    is($n{lost} // 0, 0, 'nothing is lost');
    is($c->{audit_lost}, 0, 'and nothing counted as lost');
}

my ($code, $said) = $t->verify;
is($code, 0, 'the chains are whole') or diag $said;

is($n{started}, $kills + 2, 'a chain for every process');
is($n{stopped}, 2, 'closed by those who left');

# who comes behind a dead one says where that one was

my @after = $t->said('worker_lost');
my %last;
$last{$_->{chain}} = $_ for $t->whole_lines;

is(scalar(grep { $last{$_->{after_chain}}
    && $last{$_->{after_chain}}{seq} < $_->{after_seq} } @after), 0,
    'as far as the dead have written');

done_testing;
