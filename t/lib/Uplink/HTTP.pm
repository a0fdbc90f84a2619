package Uplink::HTTP;

# One HTTP/1.1 request on a connection of its own.
#
#   my $r = Uplink::HTTP->start(port => N, method => 'POST', path => '/v1/x',
#       json => { … });
#   $r->finish;                 # waits for the whole response
#   $r->{status}, $r->{body}, $r->json, $r->header('content-type')
#
# Between start and finish the test may do other things (?wait=), or read a
# stream (events) piece by piece: head, then line.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();

use parent 'Uplink::Socket';

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# start(port, method = GET, path = /, headers => [name => value, …],
#     json => data | body => bytes | chunks => [bytes, …],
#     raw => the whole request as bytes, tls, limit, keep => 1)

sub start {
    my ($class, %arg) = @_;

    my $self = $class->SUPER::new(%arg);

    $self->{method} = $arg{method} // 'GET';
    $self->write($arg{raw} // $self->request(\%arg));

    return $self;
}

sub request {
    my ($self, $arg) = @_;

    my @headers = @{$arg->{headers} // []};
    my %given = map { lc $_ => 1 } names(@headers);
    my $body = $arg->{body};

    if (exists $arg->{json}) {
        $body = $json->encode($arg->{json});
        push @headers, 'Content-Type' => 'application/json'
            unless $given{'content-type'};
    }

    if ($arg->{chunks}) {
        push @headers, 'Transfer-Encoding' => 'chunked';
        $body = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
            (grep { length } @{$arg->{chunks}}), '';

    } elsif (defined $body && !$given{'content-length'}) {
        push @headers, 'Content-Length' => length $body;
    }

    unshift @headers, Host => 'localhost' unless $given{host};
    push @headers, Connection => 'close'
        unless $given{connection} || $arg->{keep};

    my $text = sprintf "%s %s HTTP/1.1\r\n", $self->{method},
        $arg->{path} // '/';

    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n" if defined $value;
    }

    return "$text\r\n" . ($body // '');
}

# the names in a flat list of names and values

sub names {
    return @_[grep { $_ % 2 == 0 } 0 .. $#_];
}

# the status line and the headers: true when they are there

sub head {
    my ($self, $limit) = @_;

    return 1 if $self->{status};

    $self->until(sub { $_[0]{buffer} =~ /\r\n\r\n/ }, $limit) or return;

    $self->{buffer} =~ s/\A(.*?)\r\n\r\n//s;
    my ($first, @lines) = split /\r\n/, $1;

    $first =~ m{^HTTP/1\.[01] (\d{3})(?: (.*))?$}
        or return $self->failed("bad status line: $first");

    @$self{qw(status reason)} = ($1, $2 // '');

    for (@lines) {
        my ($name, $value) = /^([^:]+):\s*(.*?)\s*$/
            or return $self->failed("bad header line: $_");
        push @{$self->{headers}}, [$name, $value];
    }

    return 1;
}

# a header's value; all of them in list context

sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{$self->{headers} // []};

    return wantarray ? @values : $values[0];
}

# the next line of the body as it comes (chunked framing removed), for streams

sub line {
    my ($self, $limit) = @_;

    $self->head($limit) or return;
    $self->{decoded} //= '';

    my $chunked = lc($self->header('transfer-encoding') // '') eq 'chunked';

    $self->until(sub {
        $self->dechunk if $chunked;
        $self->{decoded} .= substr $self->{buffer}, 0,
            length $self->{buffer}, '' unless $chunked;
        $self->{decoded} =~ /\n/;
    }, $limit) or return;

    $self->{decoded} =~ s/\A(.*?)\r?\n//;
    return $1;
}

# moves whole chunks from the buffer to {decoded}: true after the last one

sub dechunk {
    my ($self) = @_;

    while ($self->{buffer} =~ /\A([0-9a-fA-F]+)[^\r\n]*\r\n/) {
        my ($start, $n) = ($+[0], hex $1);
        last if length $self->{buffer} < $start + $n + 2;

        $self->{decoded} .= substr $self->{buffer}, $start, $n;
        substr $self->{buffer}, 0, $start + $n + 2, '';
        return $self->{complete} = 1 if $n == 0;
    }

    return $self->{complete};
}

# the rest of the response; returns self, with {error} set if it is not whole

sub finish {
    my ($self, $limit) = @_;

    $self->head($limit) or return $self;

    my $length = $self->header('content-length');
    my $coding = lc($self->header('transfer-encoding') // '');

    if ($self->{method} eq 'HEAD' || $self->{status} =~ /^(?:1..|204|304)$/) {
        $self->{body} = '';

    } elsif ($coding eq 'chunked') {
        $self->{decoded} //= '';
        $self->until(sub { $_[0]->dechunk }, $limit);
        $self->{body} = $self->{decoded};

    } elsif (defined $length) {
        $self->{body} = $self->bytes($length, $limit) // $self->{buffer};

    } else {
        $self->{body} = $self->rest($limit) // $self->{buffer};
        $self->{error} = '' if $self->{error} eq 'eof';
    }

    $self->close if lc($self->header('connection') // '') ne 'keep-alive';

    return $self;
}

sub status { $_[0]{status} }
sub body   { $_[0]{body} }

# the body as data, or undef if it is not JSON

sub json {
    my ($self) = @_;

    return scalar eval { $json->decode($self->{body} // '') };
}

1;
