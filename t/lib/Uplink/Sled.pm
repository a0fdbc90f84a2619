package Uplink::Sled;

# What tests of sleds say all the time.
#
#   my $ws = sled($t, 'alpha');              # registered, or death
#   my $ws = sled($t, 'alpha', features => ['receipts'], resume => $reply,
#       path => '/sled', at => 1, …);        # the rest is for $t->ws
#   $ws->{registered}                        # the payload of the reply
#   my $reply = register($ws, agent_id => 'alpha', …);   # payload, or undef
#   request($ws, 'id1');                     # a good perm_request
#   request($ws, 'id1', tool_input => 1);    # members of its payload
#   say_to($ws, type => 'req_id', { payload });

use strict;
use warnings;

use Carp qw(croak);

use parent 'Exporter';

our @EXPORT = qw(sled register request say_to answer operator open_requests
    decide);

sub say_to {
    my ($ws, $type, $req_id, $payload) = @_;

    return $ws->send_json({ type => $type, req_id => $req_id // '',
        payload => $payload // {} });
}

# register(ws, members of the payload): sends it, and returns the payload of
# the reply

sub register {
    my ($ws, %payload) = @_;

    say_to($ws, 'register', delete $payload{req_id} // 'r1',
        { protocol_version => 2, capabilities => {}, %payload });

    my $reply = $ws->await('registered') or return;

    return $reply->{payload};
}

sub sled {
    my ($t, $agent, %arg) = @_;

    my %payload = (agent_id => $agent);
    my $features = delete $arg{features};
    my $resume = delete $arg{resume};

    $payload{capabilities} = { features => $features } if $features;
    $payload{auth_token} = delete $arg{token} if exists $arg{token};

    $payload{resume} = { map { $_ => $resume->{$_} }
        qw(connection_id resume_token) } if $resume;

    my $ws = $t->ws(delete $arg{path} // '/sled', %arg);
    my $reply = register($ws, %payload);

    croak "\"$agent\" was not registered: " . ($reply->{error} // $ws->error)
        unless $reply && $reply->{success};

    $ws->{registered} = $reply;
    $ws->{agent} = $agent;

    return $ws;
}

sub request {
    my ($ws, $req_id, %payload) = @_;

    return say_to($ws, 'perm_request', $req_id, { tool_name => 'Bash',
        tool_input => { command => 'ls' }, %payload });
}

# the payload of the perm_response for this req_id

sub answer {
    my ($ws, $req_id, $limit) = @_;

    my $reply = $ws->await(sub {
        $_[0]{type} eq 'perm_response' && $_[0]{req_id} eq $req_id;
    }, $limit) or return;

    return $reply->{payload};
}

# operator(t, [desc, workspaces, …, ws => [arguments of t->ws]]): a session
# made over REST, and its socket

sub operator {
    my ($t, %arg) = @_;

    my @ws = @{delete $arg{ws} // []};
    my $r = $t->http(POST => '/v1/operators', json => \%arg);
    my $session = $r->json;

    croak 'no session: ' . $r->status . ' ' . $r->body
        unless $r->status == 201;

    my $ws = $t->ws("/v1/operators/$session->{sid}/ws", @ws,
        headers => [Authorization => "Bearer $session->{token}"]);

    $ws->{session} = $session;

    return $ws;
}

# open requests over REST, once there are n of them

sub open_requests {
    my ($t, $n, $path) = @_;

    my @list;

    $t->wait_for(sub {
        my $r = $t->http(GET => ($path // '/v1') . '/requests?state=pending');
        @list = @{($r->json // {})->{requests} // []};
        return @list == $n;
    }, 10) or croak 'there are ' . @list . " open requests, not $n";

    return @list;
}

# decide(t, gateway's req_id, members of the decision): the response

sub decide {
    my ($t, $id, %decision) = @_;

    return $t->http(POST => "/v1/requests/$id/decision",
        json => { approved => JSON::PP::true(), %decision });
}

1;
