#!/usr/bin/perl

# The audit log while requests come and are decided: moved away and reopened
# (USR1), and through a reload, when workers of two generations write to it.
# Every request has one line for each thing that happened to it, the chains go
# on from file to file, and those of the old workers are closed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Audit;

my $t = Uplink::Audit->new;

my $more = 'uplink_drain_timeout 1s;';

$t->audit('', $more, memory => '1s')->run;

my $op = $t->operator(at => 0);
my $sled = $t->sled('alpha', at => 1);
my $asked = 0;
my %ids;

# so many requests, each decided as soon as it is seen

sub traffic {
    my ($n) = @_;

    $sled->ask('r' . $asked++, { n => $asked }) for 1 .. $n;

    for (1 .. $n) {
        my $q = $op->await('perm_request') or last;
        $ids{$q->{req_id}} = 1;
        $op->decide($q, approved => $_ % 2 ? JSON::PP::true
            : JSON::PP::false);
    }

    return;
}

sub rotate {
    my ($name) = @_;

    rename "$t->{dir}/audit.log", "$t->{dir}/$name" or die "$name: $!";
    $t->signal('USR1');

    # in the middle of it: some lines go here, some there

    traffic(40);

    ok($t->wait_for(sub {
        traffic(1);
        return -s "$t->{dir}/audit.log";
    }), 'the new file is written');

    return;
}

traffic(40);
rotate('1.log');
rotate('2.log');

my $owner = (stat "$t->{dir}/audit.log")[4];
is($owner, (stat "$t->{dir}/error.log")[4], 'its owner is that of other logs');

$sled->answers(map { "r$_" } 0 .. $asked - 1);

# a reload: old and new workers write, to the same file

my @old = $t->workers;
$t->reload;

ok($sled->await('drain'), 'the sled is to leave');

my $op2 = $t->operator(session => $op->{session}, not_on => $old[0]);
my $sled2 = $t->sled('alpha', resume => $sled);
$op->close;
($op, $sled) = ($op2, $sled2);
$t->{sessions}{$op->{session}{sid}} = 1;

my $before = $asked;
traffic(20);
$sled->answers(map { "r$_" } $before .. $asked - 1);

ok($t->wait_for(sub { !grep { kill 0, $_ } @old }, 10), 'the old are gone');

$t->finish;

# ---- what is written

my @files = qw(1.log 2.log audit.log);
$t->{files} = \@files;

my %n;

for my $line ($t->lines(@files)) {
    $n{$line->{event}}++;
    $n{$line->{req_id}}{$line->{event}}++ if $line->{req_id};
}

is($n{asked}, $asked, 'every request was asked once');
is($n{decided}, $asked, 'and decided once');

my @wrong = grep { ($n{$_}{asked} // 0) != 1 || ($n{$_}{decided} // 0) != 1
    || ($n{$_}{delivered} // 0) != 1 } keys %ids;
is_deeply(\@wrong, [], 'and each has one line of each kind');
is(scalar keys %ids, $asked, 'all of them');

is($n{started}, 4, 'four chains');
is($n{stopped}, 4, 'all closed');
is($n{worker_lost}, undef, 'nobody was lost');

my ($code, $said) = $t->verify(@files);
is($code, 0, 'the chains go through all files') or diag $said;
is(($t->verify('--complete', @files))[0], 0, 'and are complete');

($code, $said) = $t->verify('2.log', 'audit.log');
is($code, 0, 'the later ones alone');
like($said, qr/begins with line \d+ of its chain/, 'as far as it knows');

done_testing;
