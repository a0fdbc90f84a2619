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
use MIME::Base64 ();
use Test::More ();
use Time::HiRes ();

use parent 'Uplink::Test';

my $http = <<'EOC';
    uplink_zone main %%SIZE%%;

    server {
        listen 127.0.0.1:%%PORT_0%% %%LISTEN%%;

        add_header X-Uplink-Port $uplink_port always;
        uplink_auth off;
        uplink_request_memory %%MEMORY%%;

        %%MORE%%

        location = /sled   { uplink_sled main; }
        location /v1/      { uplink_api main; }
        location = /status { uplink_status main; }

        location ~ ^/term/([^/]+)$ {
            set $at $arg_at;

            if ($at = "") {
                set $at $uplink_port;
            }

            if ($at != $uplink_port) {
                return 421;
            }

            uplink_terminal main issue=$1 workspace=$arg_workspace_id;
        }

        location = /shell {
            uplink_terminal main workspace=$arg_workspace_id sled=$arg_sled;
        }
    }
EOC

# fleet([lines for the server block], [size => '1m', memory => '2s',
#     options of conf]); memory: how long ended requests are known

sub fleet {
    my ($self, $more, %arg) = @_;

    my %own = map { $_ => delete $arg{$_} } qw(size memory listen);

    return $self->conf($self->fleet_text($more, %own), %arg);
}

sub fleet_text {
    my ($self, $more, %arg) = @_;

    my %value = (MORE => $more // '', SIZE => $arg{size} // '1m',
        MEMORY => $arg{memory} // '2s', LISTEN => $arg{listen} // '');

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

# a browser at a terminal of an issue, [path => '/term/i', workspace => 'w',
# query => 'cols=1', resume => token, binary => 1, and what ws() takes]

sub browser {
    my ($self, %arg) = @_;

    my ($path, $workspace, $query, $resume, $binary)
        = delete @arg{qw(path workspace query resume binary)};

    my @protocols = ($binary ? 'uplink.bin.v1' : 'uplink.v1',
        $resume ? "uplink.resume.$resume" : ());

    $path = ($path // '/term/i') . '?workspace_id=' . ($workspace // 'w')
        . ($query ? "&$query" : '');

    return $self->browser_at($path, protocol => join(', ', @protocols), %arg);
}

# with at => N the other worker refuses it, before anybody hears of it

sub browser_at {
    my ($self, $path, %arg) = @_;

    my $at = delete $arg{at};
    my @others;

    for (1 .. 400) {
        my $ws = $self->handshake($path . (defined $at ? "&at=$at" : ''),
            %arg);

        if (!defined $at || ($ws->{status} // 0) != 421) {
            my $error = $ws->handshake_error;
            die "$path: $error: " . ($ws->{body} // '') . "\n" if $error;
            return bless $ws, 'Uplink::Fleet::Browser';
        }

        # kept open meanwhile: they make that worker the busier

        push @others, $self->socket;
        shift(@others)->close if @others > 32;
    }

    die "no browser landed in the worker $at\n";
}

# a real sled has announced tasks: it says that it is registered before the
# gateway has read them

sub announced {
    my ($self, $id) = @_;

    return $self->wait_for(sub {
        my $r = $self->http(GET => "/v1/sleds/$id/tasks");
        return $r->{status} == 200 && @{$r->json->{tasks}};
    });
}

# a browser leaves, and its place is free

sub leave {
    my ($self, $browser) = @_;

    my $n = $self->status->{terminals}{browsers};

    $browser->close;

    return $self->wait_for(sub {
        $self->status->{terminals}{browsers} < $n });
}

# a sled, its task of issue "i", and a browser at a terminal of it that is
# open: (sled, browser, terminal.open, terminal.opened).
# [sled => {…}, browser => {…}, session => 's1', features => […]]

sub terminal {
    my ($self, %arg) = @_;

    my $sled = $arg{with} // $self->sled('alpha',
        features => { map { $_ => JSON::PP::true() }
            @{$arg{features} // ['terminal.flow', 'terminal.replay']} },
        %{$arg{sled} // {}});

    $sled->tasks(@{$arg{tasks} // []});

    my $browser = $self->browser(%{$arg{browser} // {}});
    my ($open, $opened) = $sled->open($browser, $arg{session} // 's1');

    return ($sled, $browser, $open, $opened);
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

# data until it is so many bytes; other messages are kept in {skipped}, and
# the raw bytes of binary messages count as well

sub bytes {
    my ($ws, $n, $limit) = @_;

    my $got = '';

    while (length $got < $n) {
        my $m = $ws->recv($limit) or last;

        if ($m->{opcode} == 2) {
            $ws->{handle} = unpack 'x H16', $m->{payload};
            $got .= substr $m->{payload}, 9;
            next;
        }

        # the usual form, without the price of a parser

        if ($m->{payload} =~ /\A\{"type":"terminal\.data","req_id":"",
            "payload":\{"session_id":"([^"\\]*)","data_b64":"([^"]*)"\}\}\z/x)
        {
            $ws->{session} = $1;
            $got .= MIME::Base64::decode_base64($2);
            next;
        }

        push @{$ws->{skipped}}, JSON::PP::decode_json($m->{payload});
    }

    return $got;
}

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

# announces tasks, by default one of issue "i", and waits for the answer

sub tasks {
    my ($self, @tasks) = @_;

    @tasks = { task_id => 't1', workspace_id => 'w', issue_id => 'i',
        work_dir => '/srv/work' } if !@tasks;

    $self->send_json({ type => 'tasks', req_id => 'tasks', payload => {
        tasks => \@tasks } });

    return ($self->await('tasks_ok') // {})->{payload};
}

sub say {
    my ($self, $type, %payload) = @_;

    return $self->send_json({ type => $type, req_id => '',
        payload => \%payload });
}

# the next terminal.open is answered: (terminal.open, the browser's opened)

sub open {
    my ($self, $browser, $session, %more) = @_;

    my $open = $self->await('terminal.open') or return;

    $self->say('terminal.opened', session_id => $session,
        request_id => $open->{payload}{request_id},
        work_dir => $open->{payload}{work_dir}, shell => 'bash', %more);

    my $opened = $browser ? $browser->await('terminal.opened') : undef;

    return ($open->{payload}, ($opened // {})->{payload});
}

# bytes of a PTY, in one message

sub show {
    my ($self, $session, $bytes) = @_;

    return $self->say('terminal.data', session_id => $session,
        data_b64 => MIME::Base64::encode_base64($bytes, ''));
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

# the next terminal.attach is answered, and what was shown since is repeated:
# its payload.  [oldest => first byte that is still there]

sub replay {
    my ($self, $session, $all, %arg) = @_;

    my $m = $self->await('terminal.attach') or return;
    my $from = $m->{payload}{offset};

    $from = $arg{oldest} if ($arg{oldest} // 0) > $from;

    $self->say('terminal.opened', session_id => $session,
        request_id => $m->{payload}{request_id}, offset => $from);

    for (my $at = $from; $at < length $all; $at += 3000) {
        $self->show($session, substr $all, $at, 3000);
    }

    return $m->{payload};
}

# all that has been typed, until it is so many bytes

sub typed { goto &Uplink::Fleet::bytes }

package Uplink::Fleet::Browser;

use parent -norequire, 'Uplink::WS';

sub say { goto &Uplink::Fleet::Sled::say }

sub type {
    my ($self, $bytes) = @_;

    return $self->say('terminal.data',
        data_b64 => MIME::Base64::encode_base64($bytes, ''));
}

sub shown { goto &Uplink::Fleet::bytes }

# the next message of this type, whatever is shown before it

sub hear {
    my ($self, $type) = @_;

    while (my $m = $self->recv) {
        my $data = $m->{opcode} == 2 ? {}
            : JSON::PP::decode_json($m->{payload});
        return $data->{payload} if ($data->{type} // '') eq $type;
    }

    return;
}

# what is shown, until it matches: all of it so far, and it is forgotten

sub see {
    my ($self, $re, $limit) = @_;

    my $deadline = Time::HiRes::time()
        + ($limit // 10) * $Uplink::Socket::patience;

    until (($self->{seen} // '') =~ $re) {
        my $left = ($deadline - Time::HiRes::time())
            / $Uplink::Socket::patience;
        my $more = $left > 0 ? $self->shown(1, $left) : '';
        return if $more eq '';
        $self->{seen} .= $more;
    }

    return delete $self->{seen};
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
