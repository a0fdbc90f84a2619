package Uplink::Fleet;

# Parties of a fleet, for tests that are about more than one of them.
#
#   my $t = Uplink::Fleet->new;          # an Uplink::Test, with a default conf
#   $t->fleet->run;                      # or fleet('more lines', workers => 3)
#   my $sled = $t->sled('alpha', at => 0);
#   my $op = $t->operator(at => 1);
#   $sled->ask('r1', { command => 'id' });
#   my $q = $op->await('perm_request');
#   $op->decide($q, approved => JSON::PP::true);
#   my $a = $sled->await('perm_response');

use strict;
use warnings;

use JSON::PP ();
use Test::More ();

use parent 'Uplink::Test';

my $http = <<'EOC';
    uplink_zone main %%SIZE%%;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        add_header X-Uplink-Port $uplink_port always;
        uplink_auth off;
        uplink_request_memory %%MEMORY%%;

        %%MORE%%

        location = /sled   { uplink_sled main; }
        location /v1/      { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

# fleet([lines for the server block], [size => '1m', memory => '2s',
#     options of conf]); memory: how long ended requests are known

sub fleet {
    my ($self, $more, %arg) = @_;

    my %own = map { $_ => delete $arg{$_} } qw(size memory);

    return $self->conf($self->fleet_text($more, %own), %arg);
}

sub fleet_text {
    my ($self, $more, %arg) = @_;

    my %value = (MORE => $more // '', SIZE => $arg{size} // '1m',
        MEMORY => $arg{memory} // '2s');

    my $text = $http;
    $text =~ s/%%([A-Z]+)%%/$value{$1}/g;

    return $text;
}

# a registered sled, [at => port of its worker, resume => another sled,
# features => {…}, and what ws() takes]

sub sled {
    my ($self, $id, %arg) = @_;

    my $resume = delete $arg{resume};
    my $features = delete $arg{features} // {};

    my $ws = bless $self->ws('/sled', %arg), 'Uplink::Fleet::Sled';

    $ws->send_json({ type => 'register', req_id => 'reg', payload => {
        protocol_version => 2, agent_id => $id,
        capabilities => { name => $id, features => $features },
        $resume ? (resume => {
            connection_id => $resume->{registered}{connection_id},
            resume_token => $resume->{registered}{resume_token},
        }) : (),
    } });

    my $answer = $ws->await('registered') or die "no answer to register: "
        . ($ws->error // 'nothing') . "\n";
    $ws->{registered} = $answer->{payload};
    die "sled $id: $answer->{payload}{error}\n"
        if !$answer->{payload}{success};

    return $ws;
}

# a session and its socket, [session => of another operator, and as above]

sub operator {
    my ($self, %arg) = @_;

    my $session = delete $arg{session}
        // $self->http(POST => '/v1/operators', json => {})->json;

    my $ws = bless $self->ws("/v1/operators/$session->{sid}/ws", %arg,
        headers => [Authorization => "Bearer $session->{token}"]),
        'Uplink::Fleet::Operator';

    $ws->{session} = $session;
    $self->{sessions}{$session->{sid}} = 1;

    return $ws;
}

# sessions outlive their sockets; the zone is to be as it was

sub finish {
    my ($self, @arg) = @_;

    for my $sid (sort keys %{$self->{sessions} // {}}) {
        $self->http(DELETE => "/v1/operators/$sid");
    }

    return $self->SUPER::finish(@arg);
}

# a decision over REST

sub decide {
    my ($self, $req_id, %body) = @_;

    return $self->http(POST => "/v1/requests/$req_id/decision",
        json => \%body);
}

sub counters { $_[0]->http(GET => '/status')->json->{counters} }
sub status { $_[0]->http(GET => '/status')->json }

# the port of a worker process, by its pid

sub port_of {
    my ($self, $pid) = @_;

    my ($w) = grep { $_->{pid} == $pid } @{$self->status->{workers}};

    return $w && $w->{port};
}

sub pid_at {
    my ($self, $port) = @_;

    my ($w) = grep { $_->{port} == $port } @{$self->status->{workers}};

    return $w && $w->{pid};
}

package Uplink::Fleet::Sled;

use parent -norequire, 'Uplink::WS';

sub ask {
    my ($self, $req_id, $input, %more) = @_;

    $self->send_json({ type => 'perm_request', req_id => $req_id, payload => {
        tool_name => 'Bash', tool_input => $input, %more } });

    return;
}

# answers to these requests, in any order: req_id => payload

sub answers {
    my ($self, @ids) = @_;

    my (%wanted, %got);
    @wanted{@ids} = ();

    while (keys %got < @ids) {
        my $m = $self->await('perm_response') or last;
        my $id = $m->{req_id};
        Test::More::fail("no second answer to $id") if $got{$id};
        Test::More::fail("no answer to $id that was not asked")
            if !exists $wanted{$id};
        $got{$id} = $m->{payload};
    }

    return \%got;
}

package Uplink::Fleet::Operator;

use parent -norequire, 'Uplink::WS';

sub decide {
    my ($self, $request, %more) = @_;

    $self->send_json({ type => 'perm_response',
        req_id => ref $request ? $request->{req_id} : $request, %more });

    return;
}

# the next request_state of this request that is in this state

sub state {
    my ($self, $req_id, $state) = @_;

    while (my $m = $self->await('request_state')) {
        return $m if $m->{req_id} eq $req_id && $m->{state} eq $state;
    }

    return;
}

1;
