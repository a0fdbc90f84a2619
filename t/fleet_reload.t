#!/usr/bin/perl

# Reload with requests in flight: each is answered with the decision that the
# operator gave, once, whichever generation of workers has whom.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Fleet;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my $t = Uplink::Fleet->new;

$t->fleet('uplink_drain_timeout 4s;')->run;

my $n = 50;
my @ids = map { "r$_" } 1 .. $n;

sub approved { $_[0] =~ /(\d+)$/ && $1 % 2 ? $true : $false }

# ask, reload, come back with resume; the operator comes back as well

sub reload_with {
    my ($sled, $op, $times) = @_;

    my @before = $t->workers;

    $sled->ask($_, { n => $_ }) for @ids;
    my %q = map { my $m = $op->await('perm_request'); $m->{req_id} => $m }
        @ids;
    is(keys %q, $n, "$n requests are on the screen");

    # some are decided before, some while the workers change, some after

    my @todo = sort keys %q;
    my $decide = sub {
        my ($op, $count) = @_;
        for my $id (splice @todo, 0, $count) {
            $op->decide($id, approved => approved($q{$id}{tool_input}{n}));
        }
    };

    $decide->($op, 10);
    my $got = $sled->answers(map { "r$_" } decided($op, 10, \%q));

    for (1 .. $times) {
        $t->reload(wait => 'new');
    }

    my $drain = $sled->await('drain');
    ok($drain, 'the sled is told');
    is($drain->{payload}{grace_ms}, 4000, 'how long it may take');
    cmp_ok($drain->{payload}{reconnect_after_ms}, '<=', 2000,
        'and to come back within half of it');
    is($drain->{req_id}, '', 'with all three members');

    $decide->($op, 10);
    my @now = decided($op, 10, \%q);
    $got = { %$got, %{$sled->answers(map { "r$_" } @now)} };

    my $sled2 = $t->sled('alpha', resume => $sled);
    ok($sled2->{registered}{resumed}, 'the sled comes back');
    $sled->expect_close(1012, 'its old connection is closed');

    $decide->($op, 10);
    @now = decided($op, 10, \%q);
    $got = { %$got, %{$sled2->answers(map { "r$_" } @now)} };

    my $op2 = $t->operator(session => $op->{session});
    my %again = map { my $m = $op2->await('perm_request'); $m->{req_id} => 1 }
        @todo;
    is_deeply([sort keys %again], [sort @todo],
        'the operator gets what is open, again');

    $decide->($op2, scalar @todo);
    @now = decided($op2, 20, \%q);
    $got = { %$got, %{$sled2->answers(map { "r$_" } @now)} };

    is(keys %$got, $n, 'every request has been answered');
    is_deeply([grep { !!$got->{$_}{approved} ne !!approved($_) } @ids], [],
        'as the operator decided');

    $op->expect_close(1012, 'the old socket is closed');

    ok($t->wait_for(sub {
        my %now = map { $_ => 1 } $t->workers, $t->leaving;
        !grep { $now{$_} } @before;
    }, 10), 'the old workers have gone');

    return ($sled2, $op2);
}

# numbers of the requests that this operator now hears to be delivered

sub decided {
    my ($op, $count, $q) = @_;

    my @n;

    while (@n < $count) {
        my $m = $op->await('request_state') or last;
        next if $m->{state} ne 'delivered' || !$q->{$m->{req_id}};
        push @n, $q->{$m->{req_id}}{tool_input}{n} =~ s/^r//r;
    }

    return @n;
}

my $sled = $t->sled('alpha');
my $op = $t->operator;

($sled, $op) = reload_with($sled, $op, 1);
($sled, $op) = reload_with($sled, $op, 2);

# a reload that nginx refuses changes nothing

$sled->ask('still', { n => 0 });
my $q = $op->await('perm_request');

like($t->reload_fails(conf => $t->fleet_text('uplink_drain_timeout never;')),
    qr/invalid value/, 'a bad configuration is refused');
like($t->reload_fails(conf => $t->fleet_text() =~ s/(main 1m)/$1 ports=7/r),
    qr/uses ports=7 while previously it used ports=16/,
    'so is another number of ports');

$op->decide($q, approved => $true);
is($sled->await('perm_response')->{payload}{approved}, $true,
    'and all goes on');

# more workers, and fewer

$t->fleet('uplink_drain_timeout 1s;', workers => 4);
$t->reload(wait => 'new');
$sled = $t->sled('alpha', resume => $sled);
$op = $t->operator(session => $op->{session});
is($t->status->{workers} && scalar(grep { 1 } $t->workers), 4, 'four workers');

$sled->ask('many', {});
$op->decide($op->await('perm_request'), approved => $false);
is($sled->await('perm_response')->{payload}{reason}, 'operator',
    'work goes on');

$t->fleet('uplink_drain_timeout 1s;', workers => 1);
$t->reload(wait => 'new');
$sled = $t->sled('alpha', resume => $sled);
$op = $t->operator(session => $op->{session});

$sled->ask('one', {});
$op->decide($op->await('perm_request'), approved => $true);
is($sled->await('perm_response')->{payload}{approved}, $true,
    'and with a single one');

$t->finish;

done_testing;
