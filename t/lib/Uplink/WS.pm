package Uplink::WS;

# A WebSocket client that can do everything right, and everything wrong.
#
#   my $ws = Uplink::WS->new(port => N, path => '/echo');
#   $ws->{status} == 101 or …;           # what the server said
#   $ws->send_text("hello");
#   my $f = $ws->recv_frame;             # { fin, rsv, opcode, masked, payload }
#   my $m = $ws->recv;                   # { opcode, payload }: reassembled
#   $ws->send_json({ type => 'x' });
#   my $data = $ws->recv_json;           # of the next text message
#   my $data = $ws->await('registered'); # of the next one with this "type"
#   $ws->expect_close(1002, 'a test name');
#
# recv, recv_json and await answer pings (pongs are counted in {pongs}) and
# return undef at a close frame ({close_code}, {close_reason}), at the end of
# the stream, or at the deadline: ->error says which.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha1_base64);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More ();
use Time::HiRes qw(time sleep);

use parent 'Uplink::HTTP';

use constant {
    CONT => 0, TEXT => 1, BINARY => 2, CLOSE => 8, PING => 9, PONG => 10,
};

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# new(port, path = /, headers => [name => value (undef removes), …],
#     method, protocol => 'a, b', key, version, tls, limit,
#     after => bytes sent behind the request in the same write)

sub new {
    my ($class, %arg) = @_;

    my $key = $arg{key} // encode_base64(join('', map { chr rand 256 } 1 .. 16),
        '');

    my @headers = (
        Host => 'localhost',
        Upgrade => 'websocket',
        Connection => 'Upgrade',
        'Sec-WebSocket-Key' => $key,
        'Sec-WebSocket-Version' => $arg{version} // 13,
    );

    push @headers, 'Sec-WebSocket-Protocol' => $arg{protocol}
        if defined $arg{protocol};

    # the caller's replace ours of the same name, in the same place

    my @own = @{$arg{headers} // []};
    my %own = map { lc $_ => 1 } Uplink::HTTP::names(@own);
    my @kept;

    while (my ($name, $value) = splice @headers, 0, 2) {
        push @kept, $name => $value unless $own{lc $name};
    }

    push @kept, Connection => undef;     # no "Connection: close" of its own

    my $self = $class->SUPER::start(%arg, raw => $arg{raw} // do {
        my $request = bless { method => $arg{method} // 'GET' }, $class;
        $request->request({ %arg, headers => [@kept, @own] })
            . ($arg{after} // '');
    });

    @$self{qw(key pongs)} = ($key, 0);
    $self->head;

    if (($self->{status} // 0) != 101) {
        $self->finish unless $self->{error};
    }

    return $self;
}

# was it a correct upgrade? (what is wrong, or an empty string)

sub handshake_error {
    my ($self) = @_;

    my $accept = sha1_base64(
        $self->{key} . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';

    return "no response: $self->{error}" unless $self->{status};
    return "status $self->{status}" unless $self->{status} == 101;
    return 'no "Upgrade: websocket"'
        unless lc($self->header('upgrade') // '') eq 'websocket';
    return 'no "Connection: upgrade"'
        unless lc($self->header('connection') // '') eq 'upgrade';
    return 'wrong Sec-WebSocket-Accept'
        unless ($self->header('sec-websocket-accept') // '') eq $accept;

    return '';
}

# ---- sending

# frame(opcode, payload, [fin => 0, rsv => 0..7, mask => 0 | 4 bytes,
#     encoding => 7 | 16 | 64 bits of length, length => a lie])

sub frame {
    my ($self, $opcode, $payload, %arg) = @_;

    my $length = $arg{length} // length $payload;
    my $bits = $arg{encoding}
        // ($length < 126 ? 7 : $length < 65536 ? 16 : 64);
    my $mask = $arg{mask} // join '', map { chr rand 256 } 1 .. 4;
    my $masked = $mask eq '0' ? 0 : 0x80;

    my $head = pack 'C', (($arg{fin} // 1) ? 0x80 : 0)
        | (($arg{rsv} // 0) << 4) | $opcode;

    $head .= $bits == 7 ? pack('C', $masked | $length)
        : $bits == 16 ? pack('Cn', $masked | 126, $length)
        : pack('CQ>', $masked | 127, $length);

    return $head . $payload unless $masked;

    my $key = substr $mask x (length($payload) / 4 + 1), 0, length $payload;
    return $head . $mask . ("$payload" ^ $key);
}

sub send_raw   { shift->write(@_) }
sub send_frame { my $self = shift; $self->write($self->frame(@_)) }
sub send_text  { my ($self, $text) = @_; $self->send_frame(TEXT, $text) }
sub send_bin   { my ($self, $data) = @_; $self->send_frame(BINARY, $data) }
sub send_ping  { my ($self, $data) = @_; $self->send_frame(PING, $data // '') }

sub send_json {
    my ($self, $data) = @_;

    return $self->send_frame(TEXT, $json->encode($data));
}

sub send_close {
    my ($self, $code, $reason) = @_;

    return $self->send_frame(CLOSE,
        defined $code ? pack('n', $code) . ($reason // '') : '');
}

# a message in fragments: send_fragments(opcode, part, part, …)

sub send_fragments {
    my ($self, $opcode, @parts) = @_;

    for my $i (0 .. $#parts) {
        $self->send_frame($i ? CONT : $opcode, $parts[$i],
            fin => $i == $#parts ? 1 : 0) or return;
    }

    return 1;
}

# bytes in several writes, cut at these offsets, far enough apart in time to
# reach the peer one by one

sub send_split {
    my ($self, $data, @points) = @_;

    my $last = 0;

    for my $point ((grep { $_ < length $data } @points), length $data) {
        next if $point <= $last;
        $self->write(substr $data, $last, $point - $last) or return;
        $last = $point;
        sleep 0.001 if $point < length $data;
    }

    return 1;
}

# ---- receiving

sub recv_frame {
    my ($self, $limit) = @_;

    my $need = 2;

    $self->until(sub {
        my $have = length $self->{buffer};
        return if $have < $need;

        my ($b0, $b1) = unpack 'CC', $self->{buffer};
        my $len = $b1 & 0x7f;
        my $at = 2 + ($len == 126 ? 2 : $len == 127 ? 8 : 0);
        return if $have < $at;

        $len = unpack $at == 4 ? 'x2n' : 'x2Q>', $self->{buffer} if $at > 2;
        $need = $at + $len + ($b1 & 0x80 ? 4 : 0);
        return $have >= $need;
    }, $limit) or return;

    my ($b0, $b1) = unpack 'CC', $self->{buffer};
    my $size = $b1 & 0x7f;
    my $extra = $size == 126 ? 2 : $size == 127 ? 8 : 0;
    my $minimal = $extra == 0
        || ($extra == 2 ? $need - 4 >= 126 : $need - 10 >= 65536);

    substr $self->{buffer}, 0, 2 + $extra, '';
    my $payload = substr $self->{buffer}, 0, $need - 2 - $extra, '';

    return {
        fin => $b0 >> 7, rsv => $b0 >> 4 & 7, opcode => $b0 & 15,
        masked => $b1 >> 7, minimal => $minimal ? 1 : 0, payload => $payload,
    };
}

# a whole message, control frames handled

sub recv {
    my ($self, $limit) = @_;

    my $deadline = time
        + ($limit ? $limit * $Uplink::Socket::patience : $self->{limit});

    for ( ;; ) {
        my $left = ($deadline - time) / $Uplink::Socket::patience;
        return $self->failed('timeout') if $left <= 0;

        my $f = $self->recv_frame($left) or return;

        if ($f->{masked} || $f->{rsv} || !$f->{minimal}) {
            return $self->failed('bad frame from the server');
        }

        if ($f->{opcode} == PING) {
            $self->{pings}++;
            $self->send_frame(PONG, $f->{payload}) unless $self->{mute};
            next;
        }

        if ($f->{opcode} == PONG) {
            $self->{pongs}++;
            $self->{pong} = $f->{payload};
            next;
        }

        if ($f->{opcode} == CLOSE) {
            $self->{close_code} = length $f->{payload} >= 2
                ? unpack 'n', $f->{payload} : 1005;
            $self->{close_reason} = substr $f->{payload}, 2
                if length $f->{payload} >= 2;
            return $self->failed('close');
        }

        if ($f->{opcode} != CONT) {
            return $self->failed('new message within a message')
                if $self->{partial};
            $self->{partial} = { opcode => $f->{opcode}, payload => '' };

        } elsif (!$self->{partial}) {
            return $self->failed('continuation of nothing');
        }

        $self->{partial}{payload} .= $f->{payload};
        return delete $self->{partial} if $f->{fin};
    }
}

sub recv_json {
    my ($self, $limit) = @_;

    my $m = $self->recv($limit) or return;
    my $data = eval { $json->decode($m->{payload}) };
    return $data if $m->{opcode} == TEXT && defined $data;
    return $self->failed('not JSON');
}

# the next JSON message that has this type, or for which a sub is true; the
# ones before it are moved to {skipped}

sub await {
    my ($self, $what, $limit) = @_;

    my $match = ref $what eq 'CODE' ? $what
        : sub { ($_[0]{type} // '') eq $what };
    my $deadline = time
        + ($limit ? $limit * $Uplink::Socket::patience : $self->{limit});

    for ( ;; ) {
        my $left = ($deadline - time) / $Uplink::Socket::patience;
        return $self->failed('timeout') if $left <= 0;
        my $data = $self->recv_json($left) or return;
        return $data if $match->($data);
        push @{$self->{skipped}}, $data;
    }
}

# nothing but pings comes: proved by a ping of our own that is answered

sub quiet {
    my ($self, $limit) = @_;

    my $mark = 'quiet' . int rand 1e9;
    $self->send_ping($mark) or return;

    my $deadline = time + ($limit // 5) * $Uplink::Socket::patience;

    while (time < $deadline) {
        my $f = $self->recv_frame($limit) or return;
        next if $f->{opcode} == PING;
        return 1 if $f->{opcode} == PONG && $f->{payload} eq $mark;
        $self->{noise} = $f;
        return;
    }

    return;
}

# a test: the server closes with this code, then the stream ends.  Data
# messages before it are skipped.  We answer the close frame unless told not
# to (answer => 0).

sub expect_close {
    my ($self, $code, $name, %arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $name //= "closed with $code";

    while ($self->recv($arg{limit})) { }

    if ($self->{error} ne 'close') {
        Test::More::fail($name);
        Test::More::diag("expected close $code, got $self->{error}");
        return;
    }

    if ($self->{close_code} != $code) {
        Test::More::is($self->{close_code}, $code, $name);
        Test::More::diag('reason: ' . ($self->{close_reason} // ''));
        return;
    }

    $self->send_close($code == 1005 ? undef : $code)
        if $arg{answer} // 1;

    my $ended = $self->closed($arg{limit});
    Test::More::ok($ended, $name)
        or Test::More::diag("the stream did not end: $self->{error}");
    $self->close;

    return $ended;
}

# our own close handshake: true when the server echoed the code and hung up

sub goodbye {
    my ($self, $code, $limit) = @_;

    $code //= 1000;
    $self->send_close($code) or return;

    while ($self->recv($limit)) { }

    return unless $self->{error} eq 'close' && $self->{close_code} == $code;

    my $ended = $self->closed($limit);
    $self->close;

    return $ended;
}

1;
