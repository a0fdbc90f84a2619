#!/usr/bin/perl

# docs/audit.md has the events and members of the code's own tables, all of
# them and no others; and the example of logrotate is one.

use strict;
use warnings;

use FindBin;

use Test::More;

sub slurp {
    my ($name) = @_;

    open my $file, '<', "$FindBin::Bin/../$name" or die "$name: $!";
    local $/;

    return scalar <$file>;
}

my $code = slurp('src/fleet/journal.h');
my $docs = slurp('docs/audit.md');

sub table {
    my ($name) = @_;

    my ($text) = $code =~ /define NGX_UPLINK_AUDIT_$name\(_\)(.*?)\n\n/s;

    return $text =~ s/\\\n//gr;
}

sub section {
    my ($name) = @_;

    my ($text) = $docs =~ /^## $name\n(.*?)(?=^## |\z)/ms;

    return grep { !/^\| (?:-|\w)/ } $text =~ /^(\| .*\|)$/mg;
}

# ---- events, with their members in the same order

my (@events, @told);
my $events = table('EVENTS');

while ($events =~ /_\((\w+),((?:\s*"[^"]*")+)\)/g) {
    my ($event, $members) = ($1, $2);
    push @events, join ' ', $event, map { split } $members =~ /"([^"]*)"/g;
}

for my $row (section('Events')) {
    my ($event, $members) = $row =~ /^\| `(\w+)` \| .+ \| (.*) \|$/;
    push @told, join ' ', $event // $row, ($members // '') =~ /`(\w+)`/g;
}

cmp_ok(scalar @events, '>', 20, 'there are events');
is_deeply(\@told, \@events, 'the events, and what each has');

# ---- members

my @members = table('MEMBERS') =~ /_\((\w+), \w+\)/g;

cmp_ok(scalar @members, '>', 20, 'there are members');
cmp_ok(scalar @members, '<=', 64, 'and no more than a mask has bits');
is_deeply([map { /^\| `(\w+)` \| .+ \|$/ ? $1 : $_ } section('Members')],
    \@members, 'the members');

my %known = map { $_ => 1 } @members;
my @unknown = grep { !$known{$_} } map { my (undef, @names) = split; @names }
    @events;

is_deeply(\@unknown, [], 'no event has a member that there is not');

# ---- conf-examples

SKIP: {
    skip 'no logrotate', 1 if !-x '/usr/sbin/logrotate';

    my $example = "$FindBin::Bin/../conf-examples/logrotate";
    my $said = `/usr/sbin/logrotate -d $example 2>&1`;
    unlike($said, qr/^error:/m, 'logrotate takes the example');
}

done_testing;
