#!/usr/bin/perl

# The same over TLS: sizes, back-pressure, control frames while blocked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Socket qw(SOL_SOCKET SO_SNDBUF);
use Uplink::Test;

plan skip_all => 'no IO::Socket::SSL here'
    unless eval { require IO::Socket::SSL; 1 };

my $t = Uplink::Test->new;

$t->certificate;

$t->conf(<<'EOF')->run;
    uplink_auth off;
    ssl_certificate %%DIR%%/cert.pem;
    ssl_certificate_key %%DIR%%/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;

    server {
        listen 127.0.0.1:%%PORT_0%% ssl sndbuf=16k rcvbuf=16k;
        sendfile on;
        tcp_nopush on;
        uplink_send_buffer 256k;

        location /echo { uplink_echo; }
        location /big { uplink_max_message 4m; uplink_echo; }
        location /hurry { send_timeout 500ms; uplink_echo; }
        location /mute { uplink_ping_timeout 500ms; uplink_echo; }
    }
EOF

my ($text, $binary, $ping, $pong) = (1, 2, 9, 10);
my $f = bless {}, 'Uplink::WS';

# is there a whole frame to read?

sub whole {
    my ($ws) = @_;

    my $have = length $ws->{buffer};
    return if $have < 2;

    my $n = unpack 'xC', $ws->{buffer};
    return $have >= 2 + $n if $n < 126;
    return $have >= 4 && $have >= 4 + unpack 'x2n', $ws->{buffer};
}

for my $version (qw(TLSv1_2 TLSv1_3)) {
    my $ws = $t->ws('/big', tls => { SSL_version => $version });

    for my $size (0, 1, 125, 126, 4000, 16383, 16384, 16385, 65535, 65536,
        1 << 20, 4 << 20)
    {
        my $payload = substr 'abcdefghijklmnopqrstuvwxyz' x ($size / 26 + 1),
            0, $size;

        $ws->send_text($payload);
        ok((($ws->recv(20) // {})->{payload} // '') eq $payload,
            "$version: $size bytes");
    }

    $ws->send_split($ws->frame($text, 'byte by byte'), 1 .. 20);
    is(($ws->recv // {})->{payload}, 'byte by byte', "$version: in parts");

    $ws->send_raw(join '', map { $f->frame($text, "m$_") } 1 .. 3000);
    is(join(',', map { ($ws->recv // {})->{payload} // '-' } 1 .. 3000),
        join(',', map { "m$_" } 1 .. 3000), "$version: many in one write");

    ok($ws->goodbye, "$version: and the end");
}

# behind the handshake, in the same record

my $ws = $t->ws('/echo', tls => 1, after => $f->frame($text, 'pipelined'));

is(($ws->recv // {})->{payload}, 'pipelined', 'behind the handshake');

$ws->send_raw("\x83");
$ws->expect_close(1002, 'an illegal frame');

# ---- blocked: records that were tried once must be tried again as they were

for my $size (100, 5000, 40000) {
    my $ws = $t->ws('/echo', tls => 1, rcvbuf => 8192, limit => 30);

    setsockopt $ws->handle, SOL_SOCKET, SO_SNDBUF, 16384;

    my $count = int(1.5e6 / $size);
    my @messages = map { sprintf('%08d', $_) . 'x' x ($size - 8) }
        1 .. $count;
    my $i = 0;
    my $stream = join '', map {
        $f->frame($text, $_)
        . ($i++ % 50 == 0 ? $f->frame($ping, "ping $i") : '')
    } @messages;

    my ($done, $got, $wrong, $pongs) = (0, 0, 0, 0);

    while ($got < $count && !$wrong) {

        if ($done < length $stream) {
            $done += syswrite($ws->handle, $stream, 16384, $done) // 0;
        }

        # reading lags behind: half of the time only

        next if $done < length $stream && rand() < 0.5;

        defined $ws->fill(0.01) or last;

        while ($got < $count && whole($ws)) {
            my $frame = $ws->recv_frame;

            if ($frame->{opcode} == $pong) {
                $pongs++;
                next;
            }

            $wrong = 1 if $frame->{payload} ne $messages[$got++];
        }
    }

    is($got, $count, "$size: all messages");
    is($wrong, 0, "$size: and as they were");
    cmp_ok($pongs, '>', 0, "$size: with pongs between");
    ok($ws->goodbye(1000, 20), "$size: and the end");
}

# a record of pongs that was tried once stays, the newest pong comes behind it

$ws = $t->ws('/echo', tls => 1, rcvbuf => 8192, limit => 30);

my $newest = 10000;

for my $i (1 .. $newest) {
    $ws->write($f->frame($ping, sprintf '%06d%s', $i, 'x' x ($i % 113)))
        or last;

    $ws->fill(0) if $i % 200 == 0;
}

my $last = 0;

while ($last < $newest) {
    my $frame = $ws->recv_frame or last;
    my ($n) = $frame->{payload} =~ /^(\d{6})x*$/ or last;

    last if $n <= $last || length $frame->{payload} != 6 + $n % 113;
    $last = $n;
}

is($last + 0, $newest, 'the newest of many pings is answered');
ok($ws->goodbye, 'and the end');

# ---- the ends that are no end

$ws = $t->ws('/hurry', tls => 1, rcvbuf => 8192, limit => 1);
$ws->write($f->frame($text, 'x' x 60000)) or last for 1 .. 50;
ok($t->wait_log(qr/\[info\].*client timed out.*hurry/, 10), 'send_timeout');

$ws = $t->ws('/mute', tls => 1);
ok($ws->closed(10), 'ping_timeout');

$ws = $t->ws('/echo', tls => 1);
$ws->send_text('x' x 10000);
$ws->close(reset => 1);

$ws = $t->ws('/echo', tls => 1);
$ws->send_raw(substr $f->frame($text, 'x' x 10000), 0, 5000);
$ws->close;

$ws = $t->ws('/echo', tls => 1);
$ws->send_close(1000);
$ws->close;

ok($t->ws('/echo', tls => 1)->goodbye, 'others go on');

$t->finish;

done_testing;
