#!/usr/bin/perl

# A browser that comes back has every byte once, from wherever it wants; so
# have those who look on meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new->fleet('uplink_terminal_linger 20s;',
    size => '2m')->run;

my ($sled, $browser, $open, $opened) = $t->terminal(sled => { at => 0 },
    browser => { at => 1 });

my $all = join '', map { chr rand 256 } 1 .. 20_000;

$sled->show('s1', substr $all, $_ * 1000, 1000) for 0 .. 19;
ok($browser->shown(20_000) eq $all, 'shown');

my $viewer = $t->browser(at => 0, query => 'session=s1&mode=view');
is($sled->replay('s1', $all)->{offset}, 0, 'a viewer: from the beginning');
my $seen = $viewer->await('terminal.opened')->{payload};
is($seen->{mode}, 'view', 'a viewer');
is($seen->{offset}, 0, 'a viewer: offset');
is($seen->{resume_token}, undef, 'a viewer: no token');
ok($viewer->shown(20_000) eq $all, 'a viewer: all of it');
ok($browser->quiet, 'nothing of that to the driver');

$viewer->type('x');
$viewer->say('terminal.resize', cols => 5, rows => 5);
$browser->type('y');
is($sled->typed(1), 'y', 'a viewer does not type');
ok(!grep({ $_->{type} eq 'terminal.resize' } @{$sled->{skipped} // []}),
    'nor resize');

my $token = $opened->{resume_token};
my $wrong = $t->browser(query => 'session=s1', resume => 'f' x 64);
is($wrong->await('terminal.error')->{payload}{code}, 'unauthorized',
    'a wrong token');
$wrong->expect_close(1008, 'a wrong token: closed');

my $future = $t->browser(query => 'session=s1&offset=20001');
is($future->await('terminal.error')->{payload}{code}, 'bad_request',
    'an offset in the future');
$future->expect_close(1008, 'an offset in the future: closed');

my $guest = $t->browser(query => 'session=s1&offset=20000');
is($guest->await('terminal.opened')->{payload}{mode}, 'view',
    'without the token: to look only');
$guest->close;

# ---- a hundred times, from anywhere, while more is shown

my (@wrong, $viewed);

for my $n (1 .. 100) {
    $t->leave($browser);

    my $offset = int rand 1 + length $all;
    my $more = join '', map { chr rand 256 } 1 .. rand 500;
    my $last = length $all;

    $all .= $more;
    $sled->show('s1', $more) if length $more && $n % 2;

    $browser = $t->browser(at => $n % 3 ? 1 : 0, resume => $token,
        query => "session=s1&offset=$offset");
    $sled->show('s1', $more) if length $more && $n % 2 == 0;

    # with nothing to repeat nobody is asked

    my $asked = $offset < ($n % 2 ? length $all : $last);
    $sled->replay('s1', $all) if $asked;

    my $m = $browser->await('terminal.opened')->{payload};
    $token = $m->{resume_token};

    my $want = substr $all, $offset;
    my $got = $browser->shown(length $want);

    push @wrong, "$n: $offset, $m->{offset}, $m->{mode}, "
        . length($got) . ' of ' . length($want)
        if $got ne $want || $m->{offset} != $offset || $m->{mode} ne 'drive';
    last if @wrong;
}

is_deeply(\@wrong, [], 'a hundred times, byte for byte');
ok($viewer->shown(length($all) - 20_000) eq substr($all, 20_000),
    'the viewer has had each byte once');
ok($viewer->quiet, 'and no more');

# ---- what is no more there is told

$t->leave($browser);
$browser = $t->browser(resume => $token, query => 'session=s1&offset=100');
$sled->replay('s1', $all, oldest => 5000);
is($browser->await('terminal.opened')->{payload}{offset}, 5000, 'too old');
is_deeply($browser->await('terminal.gap')->{payload},
    { from => 100, to => 5000 }, 'too old: what is missing');
ok($browser->shown(length($all) - 5000) eq substr($all, 5000),
    'too old: the rest');

$sled->say('terminal.exit', session_id => 's1', exit_code => 0);
$_->expect_close(1000, 'exit') for $browser, $viewer;

$t->finish;

done_testing;
