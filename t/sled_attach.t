#!/usr/bin/perl

# sled attach, in a real terminal: one that a sled hosts.  Uplink::Gateway
# plays the gateway's part on both sides.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use MIME::Base64;
use Test::More;

use Uplink::Daemon;
use Uplink::Gateway;

my $gateway = Uplink::Gateway->new;
my $door = Uplink::Gateway->new(protocol => 'uplink.bin.v1');
my $sled = Uplink::Daemon->new(gateway => $gateway->url);
my $dir = $sled->dir;

open my $file, '>', "$dir/token" or die;
print $file "user-token\n";
close $file;
chmod 0600, "$dir/token";

$sled->run('--root', $dir, '--shell', '/bin/sh');
my $link = $gateway->accept;
my $s = $link->open(work_dir => $dir, cols => 90, rows => 20);

# a shell in which sled attach is called

my $attach = "$sled->{binary} attach --token-file $dir/token '"
    . $door->url . "?workspace_id=W'";
$link->type($s, "PS1=; stty -echo; echo GO-\$((1+1))\n");
$link->read_until($s, qr/GO-2/);

$link->type($s, "$attach; echo LEFT-\$?-\n");
my $browser = $door->accept_http(101);

like($browser->{request}, qr{^GET /uplink\?workspace_id=W&cols=90&rows=20 },
    'says its size');
like($browser->{request}, qr/^Authorization: Bearer user-token\r$/m,
    'and who it is');

my $handle = '00000000000000ff';

sub opened {
    $browser->say('terminal.opened', { request_id => 'r', session_id => 's',
        handle => $handle, resume_token => 'ticket', offset => 0,
        mode => 'drive', work_dir => '/', shell => 'sh', @_ });
    $browser->{handles}{$handle} = 's';
    return $browser->await('terminal.resize')->{payload};
}

is_deeply(opened(), { cols => 90, rows => 20 }, 'the size once more');

sub output { $browser->send_frame(2, pack('CH16', 1, $handle) . $_[0]) }

output("hello\e[1m\x00world");
ok($link->read_until($s, qr/hello\e\[1m\x00world/), 'output is untouched');

# keys: raw, all of them, also those that a terminal would have kept

$link->type($s, "a\x03\x1a\x04~b");
$browser->{data}{s} = '';
is($browser->read_until({ session_id => 's' }, qr/b/), "a\x03\x1a\x04~b",
    'keys are sent as they are');

$link->say('terminal.resize', { session_id => $s->{session_id}, cols => 132,
    rows => 40 });
is_deeply($browser->await('terminal.resize')->{payload},
    { cols => 132, rows => 40 }, 'and a new size');

# the gateway goes, and comes back

$browser->close;
$browser = $door->accept_http(101);
like($browser->{request}, qr/&session=s&offset=15 /, 'taken up where it was');
like($browser->{request}, qr/uplink\.resume\.ticket/, 'with its ticket');
opened(offset => 15);
output('again');
ok($link->read_until($s, qr/again/), 'and goes on');

$browser->say('terminal.exit', { session_id => 's', exit_code => 5,
    reason => 'exited' });
ok($link->read_until($s, qr/LEFT-5-/), 'the exit code of the shell');

# ~. leaves, and the terminal is as it was

my $before = 'stty -a | cksum';
$link->type($s, "$before; $attach; echo LEFT-\$?-; $before;"
    . " echo E-\$((1+1))\n");
$browser = $door->accept_http(101);
opened();
$link->type($s, "\r~~x\r");
$browser->{data}{s} = '';
is($browser->read_until({ session_id => 's' }, qr/x\r/), "\r~x\r",
    'a tilde is doubled');
$link->type($s, "~.");
my $out = $link->read_until($s, qr/E-2/);
like($out, qr/LEFT-0-/, '~. leaves');
my @sums = $out =~ /^(\d+ \d+)\r$/mg;
is($sums[0], $sums[1], 'the terminal is as it was');

# errors

$link->type($s, "$attach; echo LEFT-\$?-\n");
$door->accept_http(403);
$out = $link->read_until($s, qr/LEFT-\d+-/);
like($out, qr/the gateway answered 403/, 'refused');
like($out, qr/LEFT-2-/, 'with 2');

$link->type($s, "$attach; echo LEFT-\$?-\n");
$browser = $door->accept_http(101);
$browser->say('terminal.error', { request_id => 'r',
    code => 'sled_offline', message => 'it is not there' });
$out = $link->read_until($s, qr/LEFT-\d+-/);
like($out, qr/sled_offline: it is not there/, 'an error is told');

$sled->finish;
done_testing;
