package Uplink::Operator;

# An operator: a session over REST, and its WebSocket.
#
#   my $op = Uplink::Operator->new($t);          # POST /v1/operators
#   my $op = Uplink::Operator->new($t, bearer => 'secret',
#       json => { workspaces => ['a'] }, api => '/v1');
#   $op->{sid}, $op->{token}
#   $op->attach;                  # the socket: on => PID … as in Uplink::Test
#   my $q = $op->await('perm_request');
#   $op->decide($q, approved => \1);             # perm_response
#   $op->state($q, 'decided');    # waits for this request_state
#   $op->rest(GET => 'requests'); # with the session's token, Uplink::HTTP
#   $op->delete;
#
# What is not known here (recv_json, send_json, expect_close …) is the
# socket's.

use strict;
use warnings;

use Carp qw(croak);

our $AUTOLOAD;

sub new {
    my ($class, $t, %arg) = @_;

    my $self = bless { t => $t, api => $arg{api} // '/v1' }, $class;

    my $r = $t->http(POST => "$self->{api}/operators",
        json => $arg{json} // {},
        headers => [$arg{bearer} ? bearer($arg{bearer}) : ()]);

    croak "no session: $r->{status} " . ($r->{body} // '')
        if ($r->{status} // 0) != 201;

    @$self{qw(sid token)} = @{$r->json}{qw(sid token)};

    return $self;
}

sub bearer { return (Authorization => "Bearer $_[0]") }

sub attach {
    my ($self, %arg) = @_;

    $self->{ws} = $self->{t}->ws("$self->{api}/operators/$self->{sid}/ws",
        headers => [bearer($self->{token})], %arg);

    return $self;
}

sub ws { $_[0]{ws} }

sub rest {
    my ($self, $method, $path, %arg) = @_;

    $arg{headers} = [bearer($self->{token}), @{$arg{headers} // []}];

    return $self->{t}->http($method => "$self->{api}/$path", %arg);
}

sub delete {
    my ($self) = @_;

    return $self->rest(DELETE => "operators/$self->{sid}")->status;
}

sub decide {
    my ($self, $request, %fields) = @_;

    return $self->{ws}->send_json({ type => 'perm_response',
        req_id => ref $request ? $request->{req_id} : $request, %fields });
}

sub state {
    my ($self, $request, $state, $limit) = @_;

    my $id = ref $request ? $request->{req_id} : $request;

    return $self->{ws}->await(sub {
        $_[0]{type} eq 'request_state' && $_[0]{req_id} eq $id
            && $_[0]{state} eq $state;
    }, $limit);
}

sub error {
    my ($self, $limit) = @_;

    return $self->{ws}->await('error', $limit);
}

sub AUTOLOAD {
    my ($self, @arg) = @_;

    my ($name) = $AUTOLOAD =~ /([^:]+)$/;
    return if $name eq 'DESTROY';

    croak "no socket to $name" if !$self->{ws};

    return $self->{ws}->$name(@arg);
}

1;
