#!/usr/bin/perl

# A worker that was away for a moment, as all are on a busy machine: what a
# sled has sent meanwhile waits in the kernel, much more of it than is taken
# behind a pause, and all of it was sent by a sled that was never told to stop.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use Socket qw/ SOL_SOCKET SO_SNDBUF /;

use Test::More;
use Uplink::Fleet;

# what is under way without the kernel's share: 384 KiB and 8 times the buffer

my $allowed = (384 + 8 * 64) * 1024;

my $t = Uplink::Fleet->new->fleet('uplink_send_buffer 64k;',
    size => '32m', listen => 'sndbuf=32k')->run;

my $piece = join '', map { chr rand 256 } 1 .. 4096;

sub data {
    my ($sled, $session, $bytes) = @_;

    return $sled->frame(1, '{"type":"terminal.data","payload":{"session_id":"'
        . $session . '","data_b64":"'
        . MIME::Base64::encode_base64($bytes, '') . '"}}', mask => 'abcd');
}

# what the kernel takes with nobody reading

sub fill {
    my ($sock, $blob) = @_;

    my $done = 0;
    my $select = IO::Select->new($sock);

    while ($done < length $blob && $select->can_write(0.1)) {
        $done += syswrite($sock, $blob, 65536, $done) // 0;
    }

    return $done;
}

for my $at (0, 1) {
    my $where = $at ? 'two workers' : 'one worker';

    my ($sled, $slow) = $t->terminal(sled => { at => 0 }, session => 'slow',
        browser => { at => $at });

    # a receive buffer grows with what is read of it at once; for no session,
    # it is dropped

    my $nothing = data($sled, 'nobody', $piece) x 1024;

    for (1 .. 10) {
        kill STOP => $t->workers;
        my $n = fill($sled->handle, $nothing);
        kill CONT => $t->workers;

        $sled->write(substr $nothing, $n);
        $sled->quiet or last;
    }

    # a queue of its own would be under way, too

    setsockopt($sled->handle, SOL_SOCKET, SO_SNDBUF, 16384);

    my $all = join '', map { sprintf('%08d', $_) . substr $piece, 8 }
        1 .. 500;
    my $size = length data($sled, 'slow', $piece);
    my $blob = join '', map { data($sled, 'slow', $_) }
        unpack '(a4096)*', $all;

    kill STOP => $t->workers;
    my $done = fill($sled->handle, $blob);
    kill CONT => $t->workers;

    my $n = int(($done + $size - 1) / $size);
    $all = substr $all, 0, $n * 4096;

    SKIP: {
        skip "$where: this kernel took only $done bytes", 3
            if $done < 1.5 * $allowed;

        # the frame that was begun; then the sled hears of it, and stops

        $sled->write(substr $blob, $done, $n * $size - $done);

        is(($sled->await('terminal.pause') // {})->{payload}{session_id},
            'slow', "$where: paused, $done bytes late");
        ok($slow->shown(length $all) eq $all, "$where: all of it");
        is(($sled->await('terminal.resume') // {})->{payload}{session_id},
            'slow', "$where: resumed");
    }

    $_->close for $slow, $sled;
    $t->wait_for(sub { $t->status->{sleds}{connections} == 0 });
}

$t->finish;

done_testing;
