#!/usr/bin/perl

# A full zone, when a terminal is to be opened and when its data has to wait
# in the zone: that one terminal ends, and says why.  Nobody else is hurt.

use strict;
use warnings;

use Digest::SHA qw/ sha256_hex /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Fleet;

my $t = Uplink::Fleet->new;

$t->write_file('tokens', 'olga:operator:' . sha256_hex('olga-secret')
    . ":workspaces=w\n");

$t->fleet(<<'EOC', size => '512k', listen => 'sndbuf=16k rcvbuf=16k')->run;
        uplink_max_sessions 100000;
        uplink_open_timeout 60s;
        uplink_max_terminals 0;

        location = /auth {
            uplink_terminal main issue=i workspace=w;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
EOC

my $text = join '', map { chr rand 256 } 1 .. 4096;

# ---- data that has to wait, from the sled and from the browser

my ($sled, $stays) = $t->terminal(sled => { at => 0 },
    browser => { at => 1 }, session => 'stays');

sub works {
    my ($name) = @_;

    $sled->show('stays', 'shown');
    is($stays->shown(5), 'shown', "$name: another terminal is shown");
    $stays->type('typed');
    is($sled->typed(5), 'typed', "$name: and types");

    return;
}

my $local = $t->browser(at => 0);
$sled->open($local, 'local');

works('at first');

my $slow = $t->browser(at => 1, rcvbuf => 8192);
$sled->open($slow, 'slow');

my ($all, $close) = ('');

for (1 .. 1000) {
    $sled->show('slow', $text);
    $all .= $text;
    next unless $sled->readable;

    my $m = $sled->await(sub { 1 }, 0.05) or next;
    $close = $m->{payload} if $m->{type} eq 'terminal.close';
    last if $close;
}

is_deeply($close, { session_id => 'slow', reason => 'zone_full' },
    'data: the sled is told to close it');
works('while its data is still there');

my $got = $slow->shown(length $all);
my ($error) = grep { $_->{type} eq 'terminal.error' } @{$slow->{skipped}};
is($error && $error->{payload}{code}, 'zone_full', 'data: the browser, too');
is($slow->{close_code}, 1013, 'data: closed with 1013');
cmp_ok(length $got, '>', 65536, 'data: behind all that there was room for');
ok($got eq substr($all, 0, length $got), 'data: as it was');
$slow->close;

# ---- fill it

sub fill {
    for my $size (4000, 2000, 1000, 500, 240, 120, 60, 30, 8, 1) {
        for (1 .. 2000) {
            my $r = $t->http(POST => '/v1/operators', json => {
                desc => 'x' x $size });
            last if $r->status != 201;
            $t->{sessions}{$r->json->{sid}} = 1;
        }
    }

    return;
}

# opened, and then there is no room for what the sled says of it

my $late = $t->browser(at => 1);
my $open = $sled->await('terminal.open')->{payload};

# a browser that says later who it is has no seat yet

my $stranger = $t->ws('/auth?workspace_id=w', protocol => 'uplink.v1');

fill();

$sled->say('terminal.opened', session_id => 'late', work_dir => '/',
    shell => 'x' x 3000, request_id => $open->{request_id});
is($late->await('terminal.error')->{payload}{code}, 'zone_full',
    'opening: no room for the answer');
$late->expect_close(1013, 'opening: closed');
is($sled->await('terminal.close')->{payload}{session_id}, 'late',
    'opening: the sled closes it');

$late->close;
ok($t->wait_for(sub { $t->status->{terminals}{browsers} == 2 }),
    'opening: nothing is left of it');
fill();

# there may be a place of its own size left

my ($ws, @others);

for (1 .. 8) {
    $ws = $t->handshake('/term/i?workspace_id=w');
    last if $ws->{status} != 101;
    push @others, $ws;
}

is($ws->{status}, 503, 'a new one: 503');
is($ws->json->{error}{code}, 'zone_full', 'a new one: zone_full');
$ws->close;

$stranger->send_json({ type => 'auth', payload => {
    token => 'olga-secret' } });
ok($stranger->await('auth_ack'), 'behind the upgrade: who it is');
is($stranger->await('terminal.error')->{payload}{code}, 'zone_full',
    'behind the upgrade: zone_full');
$stranger->expect_close(1013, 'behind the upgrade: 1013');

works('a full zone');

# within one worker data does not go through the zone

$sled->show('local', $text) for 1 .. 64;
ok($local->shown(64 * 4096) eq $text x 64, 'a full zone: within one worker');
$local->type($text) for 1 .. 8;
ok($sled->typed(8 * 4096) eq $text x 8, 'a full zone: and back');

# ---- and with room again it goes on as before

for my $sid (sort keys %{$t->{sessions}}) {
    $t->http(DELETE => "/v1/operators/$sid");
    delete $t->{sessions}{$sid};
}

$_->close for @others;
$t->wait_for(sub { $t->status->{terminals}{browsers} == 2 });
$sled->recv_json while $sled->readable;

my $new = $t->browser(at => 1);
ok(($sled->open($new, 'new'))[1], 'room again: it opens');
$sled->show('new', 'x');
is($new->shown(1), 'x', 'room again: it is shown');
works('room again');

$_->close for $new, $local, $stays, $sled;

$t->finish;

done_testing;
