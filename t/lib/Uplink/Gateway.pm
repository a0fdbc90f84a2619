package Uplink::Gateway;

# The gateway's part towards a sled, scripted: a real WebSocket server for
# tests of the PTY host that have to say exactly what a gateway says, and
# when.  What goes through nginx is tested with nginx.
#
#   my $gateway = Uplink::Gateway->new;         # $gateway->url
#   my $link = $gateway->accept;                # registered; resumed => 1
#   my $s = $link->open(cols => 80, …);         # payload of terminal.opened
#   $link->say('terminal.data', { … });
#   my $m = $link->await('terminal.exit');
#   $link->type($s, "ls\n");                    # as the keyboard
#   $link->read_until($s, qr/…/);               # what came so far
#
# Data of all sessions is collected in $link->{data}{session_id}; heartbeats
# are answered while somebody reads, unless $link->{mute}.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha1_base64);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64;
use Time::HiRes qw(time);

use Uplink::Socket;
use Uplink::WS;

our @ISA = ('Uplink::WS');

my $json = JSON::PP->new->utf8;

sub new {
    my ($class, %arg) = @_;

    my $listen = IO::Socket::INET->new(Listen => 16, Proto => 'tcp',
        LocalAddr => '127.0.0.1:0') or croak "listen: $!";

    return bless { listen => $listen, port => $listen->sockport, serial => 0,
        %arg }, 'Uplink::Gateway::Listener';
}

# ---- one link

sub frame {
    my ($self, $opcode, $payload, %arg) = @_;

    return $self->SUPER::frame($opcode, $payload, mask => '0', %arg);
}

sub say {
    my ($self, $type, $payload, $req_id) = @_;

    return $self->send_frame(1, $json->encode({ type => $type,
        req_id => $req_id // '', payload => $payload // {} }));
}

# the next message; nothing at the end of the stream or of the limit

sub next {
    my ($self, $limit) = @_;

    for ( ;; ) {
        my $f = $self->recv_frame($limit) or return;
        croak 'a frame without a mask' unless $f->{masked};

        my $key = substr $f->{payload}, 0, 4, '';
        my $length = length $f->{payload};
        my $data = $f->{payload} ^ substr $key x ($length / 4 + 1), 0, $length;

        if ($f->{opcode} == 8) {
            $self->{close_code} = $length >= 2 ? unpack 'n', $data : 1005;
            return $self->failed('close');
        }

        if ($f->{opcode} == 9) {
            $self->send_frame(10, $data);
            next;
        }

        next if $f->{opcode} == 10;
        croak 'a fragment' if !$f->{fin} || $f->{opcode} == 0;

        my $m = $f->{opcode} == 2
            ? { type => 'binary', handle => unpack('x H16', $data),
                data => substr $data, 9 }
            : $json->decode($data);

        if ($m->{type} eq 'heartbeat') {
            $self->say('heartbeat_ack', {}, $m->{req_id})
                unless $self->{mute};
            $self->{heartbeats}++;
            next;
        }

        return $m;
    }
}

# the next of this type; data is collected meanwhile, the rest is kept

sub await {
    my ($self, $type, $limit) = @_;

    my $deadline = time
        + ($limit ? $limit * $Uplink::Socket::patience : $self->{limit});

    for my $i (0 .. $#{$self->{kept}}) {
        return splice @{$self->{kept}}, $i, 1
            if $self->{kept}[$i]{type} eq $type;
    }

    while ((my $left = $deadline - time) > 0) {
        my $m = $self->next($left / $Uplink::Socket::patience) or return;
        return $m if $m->{type} eq $type;
        $self->collect($m) or push @{$self->{kept}}, $m;
    }

    return $self->failed('timeout');
}

sub collect {
    my ($self, $m) = @_;

    my ($id, $data);

    if ($m->{type} eq 'binary') {
        $id = $self->{handles}{$m->{handle}} // croak 'an unknown handle';
        $data = $m->{data};
        $self->{binary}++;

    } elsif ($m->{type} eq 'terminal.data') {
        $id = $m->{payload}{session_id};
        $data = decode_base64($m->{payload}{data_b64});

    } else {
        return;
    }

    $self->{bytes}{$id} += length $data;

    if ($self->{sink}) {
        $self->{sink}->($id, $data);

    } else {
        $self->{data}{$id} .= $data;
    }

    return 1;
}

# the payload of terminal.opened or of terminal.error

sub open {
    my ($self, %payload) = @_;

    my $request = 'r' . ++$self->{requests};
    my $handle = sprintf '%016x', 0xfedc0000 + $self->{requests};

    $self->say('terminal.open', { request_id => $request, task_id => 'task-i',
        workspace_id => 'W', work_dir => '/tmp', cols => 80, rows => 24,
        handle => $handle, %payload });

    for ( ;; ) {
        my $m = $self->next(10) or croak "no answer: $self->{error}";

        if ($m->{type} =~ /^terminal\.(opened|error)$/
            && ($m->{payload}{request_id} // '') eq $request)
        {
            my $id = $m->{payload}{session_id};
            $self->{handles}{$handle} = $id if defined $id;
            $self->{data}{$id} //= '' if defined $id;
            return { %{$m->{payload}}, handle => $handle };
        }

        $self->collect($m) or push @{$self->{kept}}, $m;
    }
}

sub type {
    my ($self, $s, $text) = @_;

    return $self->say('terminal.data', { session_id => $s->{session_id},
        data_b64 => encode_base64($text, '') });
}

# until the output matches: all of it so far, and it is forgotten

sub read_until {
    my ($self, $s, $re, $limit) = @_;

    my $data = \$self->{data}{$s->{session_id}};
    my $deadline = time
        + ($limit ? $limit * $Uplink::Socket::patience : $self->{limit});

    until ($$data =~ $re) {
        my $left = ($deadline - time) / $Uplink::Socket::patience;
        my $m = $left > 0 ? $self->next($left) : undef;
        return unless $m;
        $self->collect($m) or push @{$self->{kept}}, $m;
    }

    my $all = $$data;
    $$data = '';

    return $all;
}

package Uplink::Gateway::Listener;

use strict;
use warnings;

use Carp qw(croak);

sub url { "ws://127.0.0.1:$_[0]{port}/uplink" }

# whoever has dialed so far, and may be gone

sub forget {
    my ($self) = @_;

    my $select = IO::Select->new($self->{listen});

    while ($select->can_read(0)) {
        my $sock = $self->{listen}->accept or last;
        $sock->close;
    }

    return;
}

# upgraded, with the headers of the request, or refused: accept_http(401)

sub accept_http {
    my ($self, $status, %arg) = @_;

    my $sock;
    my $deadline = Time::HiRes::time()
        + ($arg{limit} // 10) * $Uplink::Socket::patience;

    my $select = IO::Select->new($self->{listen});
    $select->can_read($deadline - Time::HiRes::time())
        or croak 'no sled has dialed';
    $sock = $self->{listen}->accept;
    $sock->blocking(0);

    my $link = bless { buffer => '', error => '', sock => $sock,
        limit => 10 * $Uplink::Socket::patience, bytes_in => 0,
        select => IO::Select->new($sock), kept => [], data => {},
        heartbeats => 0, binary => 0, requests => 1000 * ++$self->{serial},
    }, 'Uplink::Gateway';

    $link->until(sub { $link->{buffer} =~ /\r\n\r\n/ })
        or croak "no request: $link->{error}";
    $link->{buffer} =~ s/\A(.*?\r\n\r\n)//s;
    $link->{request} = $1;

    if (($status // 101) != 101) {
        $link->write("HTTP/1.1 $status Refused\r\nContent-Length: 0\r\n"
            . "Connection: close\r\n\r\n");
        $link->close;
        return $link;
    }

    my ($key) = $link->{request} =~ /^Sec-WebSocket-Key: (\S+)/mi;
    my ($offered) = $link->{request} =~ /^Sec-WebSocket-Protocol: (.*?)\r/mi;
    my $protocol = $arg{protocol} // $self->{protocol};

    $link->{offered} = $offered;
    $link->write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSec-WebSocket-Accept: "
        . Digest::SHA::sha1_base64(
            "${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . "=\r\n"
        . ($protocol ? "Sec-WebSocket-Protocol: $protocol\r\n" : '')
        . "\r\n");

    return $link;
}

sub accept {
    my ($self, %arg) = @_;

    return $self->admit($self->accept_http(101, %arg), %arg);
}

# who was upgraded says who it is, and is registered

sub admit {
    my ($self, $link, %arg) = @_;

    my $m = $link->next(10) or croak "no register: $link->{error}";
    croak "$m->{type} instead of register" if $m->{type} ne 'register';

    $link->{register} = $m->{payload};
    $link->say('registered', { success => JSON::PP::true, error => undef,
        proxy_id => 'script', proxy_version => '0',
        connection_id => "sled-1-$self->{serial}",
        resume_token => "ticket-$self->{serial}",
        resumed => $arg{resumed} ? JSON::PP::true : JSON::PP::false,
        heartbeat_ms => $arg{heartbeat_ms} // 25000, max_message => 65536,
        features => [qw(resume receipts terminal.flow terminal.replay
            uplink.bin.v1)],
        %{$arg{registered} // {}} }, $m->{req_id});

    return $link;
}

1;
