#!/usr/bin/perl

# Every file of conf-examples/: nginx accepts it, and what it shows works.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Uplink::Daemon;
use Uplink::Example;
use Uplink::JWT;
use Uplink::Sled;

my %here = (
    'behind-balancer.conf' => \&behind_balancer,
    'demo.conf' => \&demo,
    'fleets.conf' => \&fleets,
    'identity-provider.conf' => \&identity_provider,
    'jwt.conf' => \&jwt,
    'mtls.conf' => \&mtls,
    'production.conf' => \&production,
    'prometheus.conf' => \&prometheus,
);

my $root = $Uplink::Test::root;
my @files = map { m{([^/]+)$} } sort glob "$root/conf-examples/*";
my @others = grep { !$here{$_} } @files;

is_deeply([grep { /\.conf$/ && $_ ne 'sled.conf' } @files], [sort keys %here],
    'every configuration of nginx is listed here, and nothing else is');

# what is none has a test of its own, and all of it stands in a page

for my $name (@others) {
    my @tests = `grep -lF -e $name $root/t/*.t`;
    ok(@tests, "$name has a test");
}

for my $name (@files) {
    my @pages = `grep -lF -e conf-examples/$name $root/docs/*.md`;
    ok(@pages, "$name has its place in docs");
}

for my $name (@ARGV ? @ARGV : sort keys %here) {
    subtest($name => $here{$name}, $name);
}

done_testing;

# a running nginx with this example, whose files are there, and more text

sub start {
    my ($t, $name, $more) = @_;

    $t->example($name, $more);

    my ($code, $output) = $t->nginx_once('-t', '-c', "$t->{dir}/nginx.conf");
    is($code, 0, 'nginx -t') or diag $output;
    unlike($output, qr/\[(?:warn|error|emerg)\]/, 'and it says nothing more');

    $t->run;

    return $t;
}

sub statuses {
    my ($text) = @_;

    my %n;
    $n{$1}++ while $text =~ m{^HTTP/1\.1 (\d+) }mg;

    return \%n;
}

sub demo {
    my ($name) = @_;

    my $t = Uplink::Test->new;
    my $text = $t->read_file("$root/conf-examples/$name");

    # as ./dev run does it, whose folders these are

    mkdir "$t->{dir}/$_" for qw(modules tmp);
    symlink $t->{module}, "$t->{dir}/modules/ngx_uplink_module.so"
        if $t->{module};
    $text =~ s/^load_module .*//m if !$t->{module};
    $text =~ s/127\.0\.0\.1:8080/127.0.0.1:%%PORT_0%%/g;
    $text = "user root;\n$text" if $> == 0;

    $t->conf($text, raw => 1);
    my ($code, $output) = $t->nginx_once('-t', '-c', "$t->{dir}/nginx.conf");
    is($code, 0, 'nginx -t') or diag $output;

    $t->run;
    is($t->http(GET => '/status')->json->{status}, 'ok', 'status');
    $t->finish;

    return;
}

sub production {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my $laptop = $t->token('laptop', 'sled', 'workspaces=w');
    my $alice = $t->token('alice', 'operator,engine', 'workspaces=*');
    my @tls = (at => 443, tls => 1, host => 'gateway.example.org');

    start($t, $name);

    my $r = $t->call(GET => '/v1/requests', at => 80,
        host => 'gateway.example.org');
    is($r->status, 301, 'plain HTTP is sent away');
    is($r->header('location'), 'https://gateway.example.org/v1/requests',
        'to TLS');

    is($t->call(GET => '/v1/requests?token=x', @tls)->status, 401,
        'a stranger is refused');
    is($t->call(GET => '/status', @tls)->status, 401,
        'the status is not for everybody');
    is($t->call(GET => '/console/', @tls)->status, 200, 'the page is');
    is($t->http(GET => '/status')->json->{status}, 'ok', 'but here it is');

    my $answer = $t->permission($alice, $alice, @tls);
    ok($answer->{approved}, 'a permission is asked and answered');

    my $sled = sled($t, 'laptop', path => '/api/sled-uplink',
        $t->options(@tls, token => $laptop));
    ok($sled, 'a sled registers');
    $sled->close;

    # a burst of calls on one connection

    my $socket = $t->socket($t->options(@tls));
    my $get = "GET /v1/requests HTTP/1.1\r\nHost: gateway.example.org\r\n";
    $socket->write("$get\r\n" x 149 . "${get}Connection: close\r\n\r\n");
    my $n = statuses($socket->rest(20) // '');

    is(($n->{401} // 0) + ($n->{429} // 0), 150, '150 calls at once');
    cmp_ok($n->{401} // 0, '>=', 20, 'a good few are served');
    cmp_ok($n->{429} // 0, '>=', 20, 'and the rest is told to slow down');

    # and sleds that dial, and dial, and dial

    my ($last, $dials) = (0, 0);

    while ($last != 429 && $dials++ < 500) {
        $last = $t->handshake('/api/sled-uplink',
            $t->options(@tls, token => 'wrong'))->{status};
    }

    is($last, 429, 'who dials too often is told as well');
    cmp_ok($dials, '>', 50, 'but not at once');

    my $line = $t->wait_for(sub {
        return $t->read_file('uplink-audit.jsonl') =~ /^(.*"decided".*)\n/m
            ? $1 : undef;
    });
    is(JSON::PP::decode_json($line)->{user}, 'alice', 'the audit log has it');

    my $log = $t->read_file('uplink.log');
    like($log, qr{"GET /v1/requests" 401 }, 'the log has its calls');
    like($log, qr{/sled-uplink" 101 \S+ sled "laptop" laptop }, 'and its sled');
    unlike($log, qr/token=/, 'and no query');

    $t->finish;

    return;
}

sub prometheus {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my $laptop = $t->token('laptop', 'sled', 'workspaces=w');

    start($t, 'production.conf',
        $t->read_file("$root/conf-examples/$name"));

    my $sled = sled($t, 'laptop', path => '/api/sled-uplink',
        $t->options(at => 443, tls => 1, host => 'gateway.example.org',
            token => $laptop));

    my $r = $t->call(GET => '/metrics', at => 9145);
    is($r->status, 200, 'metrics');
    like($r->body, qr/^nginx_uplink_sleds(?:\{[^}]*\})? 1$/m, 'of the sled');
    unlike($r->body, qr/laptop/, 'and not its name');

    is($t->call(GET => "/$_", at => 9145)->status, 200, $_) for qw(ready live);
    is($t->call(GET => '/v1/requests', at => 9145)->status, 404, 'no more');

    $sled->close;
    $t->finish;

    # what is scraped is what is served

    my ($port) = $t->read_file("$root/conf-examples/$name")
        =~ /^\s*listen (\d+);/m;
    like($t->read_file("$root/conf-examples/prometheus.yml"),
        qr/^\s+- targets: \["gateway\.example\.org:$port"\]$/m,
        'prometheus.yml has its port');

    SKIP: {
        skip 'there is no promtool here', 1 if !-x '/usr/bin/promtool';

        my $yml = "$root/conf-examples/prometheus.yml";
        my $said = `promtool check config $yml 2>&1`;
        is($?, 0, 'Prometheus takes it, and the rules') or diag $said;
    }

    return;
}

sub mtls {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my $alice = $t->token('alice', 'operator', 'workspaces=*');
    my @sleds = (at => 443, tls => 1, host => 'sleds.example.org');
    my @people = (at => 443, tls => 1, host => 'gateway.example.org');

    start($t, $name);

    my $tls = "$t->{dir}/tls";
    my @certificate = (tls => { SSL_cert_file => "$tls/sled.pem",
        SSL_key_file => "$tls/sled.key" });
    my @own = (tls => { SSL_cert_file => "$tls/gateway.pem",
        SSL_key_file => "$tls/gateway.key" });

    is($t->handshake('/api/sled-uplink', $t->options(@sleds))->{status}, 400,
        'without a certificate a sled is refused');
    is($t->handshake('/api/sled-uplink', $t->options(@sleds, @own))->{status},
        400, 'and with one of another authority');
    is($t->handshake('/api/sled-uplink', $t->options(@people,
        headers => [Host => 'sleds.example.org']))->{status}, 421,
        'and by way of the other name');

    my $ws = $t->ws('/api/sled-uplink', $t->options(@sleds, @certificate));
    is(register($ws, agent_id => 'beta')->{error} =~ s/:.*//r,
        'agent_not_allowed', 'a name that is not in the certificate');

    my $daemon = Uplink::Daemon->new(id => 'alpha', gateway =>
        'wss://localhost:' . $t->at(443) . '/api/sled-uplink');

    $daemon->run('--ca', "$tls/ca.pem", '--cert', "$tls/sled.pem",
        '--key', "$tls/sled.key", '--workspace', 'main');
    ok($daemon->wait_log(qr/registered/), 'the sled program registers');

    my $ask = $daemon->start('ask', '--tool', 'Bash', '--input', '{}');
    my $id;

    ok($t->wait_for(sub {
        my $r = $t->call(GET => '/v1/requests', @people, token => $alice);
        my $list = $r->json->{requests};
        $id = @$list && $list->[0]{sled} eq 'alpha' ? $list->[0]{req_id} : '';
        return $id;
    }, 10), 'asks under the name in its certificate');

    $t->call(POST => "/v1/requests/$id/decision", @people, token => $alice,
        json => { approved => JSON::PP::true });
    is($ask->wait, 0, 'and is answered');

    $daemon->finish;
    $t->finish;

    return;
}

sub identity_provider {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my $laptop = $t->token('laptop', 'sled', 'workspaces=a,b');
    my @tls = (at => 443, tls => 1, host => 'gateway.example.org');

    # the login proxy: it believes whatever "X-Login: user/group,group" says

    start($t, $name, <<'EOC');
map $http_x_login $login_name { ~^(?<login>[^/]+)/ $login; default ""; }
map $http_x_login $login_teams { ~^[^/]+/(?<teams>.*) $teams; default ""; }

server {
    listen 4180;

    location = /oauth2/auth {
        add_header X-Auth-Request-User $login_name;
        add_header X-Auth-Request-Groups $login_teams;

        if ($login_name = "") { return 401; }
        return 200;
    }

    location = /oauth2/start { return 302 https://login.example.org/; }
}
EOC

    my $as = sub {
        my ($method, $path, $login, %more) = @_;
        return $t->call($method, $path, @tls, %more,
            headers => ['X-Login' => $login]);
    };

    is($t->call(GET => '/v1/requests', @tls)->status, 401, 'no login, no call');
    is($t->call(GET => '/console/', @tls)->status, 401, 'no page');
    is($as->(GET => '/console/', 'bob/staff')->status, 200,
        'but for who has logged in');
    is($t->call(GET => '/oauth2/start', @tls)->status, 302, 'there is a login');
    is($as->(GET => '/v1/requests', 'bob/staff')->status, 403,
        'a login without a group is not enough');
    is($t->call(GET => '/v1/requests', @tls, headers => ['X-Login' =>
        'bob/staff', 'X-Groups' => 'uplink-admins,team-a'])->status, 403,
        'groups are not taken from the client');

    my $sled = sled($t, 'laptop', path => '/api/sled-uplink',
        $t->options(@tls, token => $laptop));
    request($sled, 'r1', workspace_id => 'a');

    my $id;
    ok($t->wait_for(sub {
        my $r = $as->(GET => '/v1/requests',
            'alice/uplink-operators, team-a');
        $id = ($r->json->{requests}[0] // {})->{req_id};
    }), 'an operator of the workspace sees the request');

    is_deeply($as->(GET => '/v1/requests',
        'carol/uplink-operators,team-b')->json->{requests}, [],
        'one of another does not');

    my $yes = { json => { approved => JSON::PP::true } };

    is($as->(POST => "/v1/requests/$id/decision", 'dave/uplink-viewers,team-a',
        %$yes)->status, 403, 'who may look may not decide');
    is($as->(POST => "/v1/requests/$id/decision",
        'alice/uplink-operators, team-a', %$yes)->status, 200, 'who may, does');

    my $answer = answer($sled, 'r1');
    ok($answer->{approved}, 'the sled hears of it');
    is($answer->{decided_by}{name} // $answer->{decided_by}, 'alice',
        'and by whom');

    is($as->(GET => '/v1/operators', 'alice/uplink-operators,team-a')->status,
        403, 'a list for admins');
    is($as->(GET => '/v1/operators', 'eve/uplink-admins')->status, 200,
        'and an admin');

    $sled->close;
    $t->finish;

    return;
}

sub jwt {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my $jwt = Uplink::JWT->new($t->dir);
    my @tls = (at => 443, tls => 1, host => 'gateway.example.org');
    my %good = (iss => 'https://login.example.org', aud => 'uplink',
        exp => time + 600, workspaces => ['w']);

    $jwt->generate('es', 'ES256');
    mkdir "$t->{dir}/uplink";
    $t->write_file('uplink/jwks.json', $jwt->encode({ keys =>
        [$jwt->jwk('es', 'ES256', kid => 'k1')] }));

    start($t, $name);

    my $token = sub {
        return $jwt->token('ES256', 'es', { %good, @_ }, { kid => 'k1' });
    };

    my $alice = $token->(sub => 'alice', roles => ['operator', 'engine']);

    ok($t->permission($alice, $alice, @tls)->{approved},
        'a permission is asked and answered');
    is($t->call(GET => '/v1/requests', @tls,
        headers => [Cookie => "uplink_session=$alice"])->status, 200,
        'a cookie has the token');
    is($t->call(GET => '/v1/requests', @tls, token =>
        $token->(sub => 'alice', roles => 'operator', aud => 'x'))->status,
        401, 'a token for somebody else');

    my $sled = sled($t, 'laptop', path => '/api/sled-uplink',
        $t->options(@tls, token => $token->(sub => 'laptop',
            roles => 'sled')));
    ok($sled, 'a sled registers');
    $sled->close;

    for (['https://console.example.org', 101], ['https://evil.example', 403]) {
        my ($origin, $status) = @$_;

        my $ws = $t->handshake('/ws/issues/i/terminal?workspace_id=w',
            $t->options(@tls, headers => [Origin => $origin,
                Cookie => "uplink_session=$alice"]));
        is($ws->{status}, $status, "a terminal for a page of $origin");
    }

    $t->finish;

    return;
}

sub behind_balancer {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my $alice = $t->token('alice', 'operator,engine', 'workspaces=*');
    my $laptop = $t->token('laptop', 'sled', 'workspaces=w');

    start($t, $name);

    is($t->call(GET => '/v1/requests', at => 8080, token => $alice,
        headers => ['X-Forwarded-For' => '192.0.2.7, 10.1.2.3'])->status, 200,
        'a call by way of the balancer');
    ok($t->permission($alice, $alice, at => 8080)->{approved},
        'a permission is asked and answered');

    for (['https://gateway.example.org', 101], ['http://localhost', 403]) {
        my ($origin, $status) = @$_;

        my $ws = $t->handshake('/ws/issues/i/terminal?workspace_id=w',
            $t->options(at => 8080, token => $alice,
                headers => [Origin => $origin]));
        is($ws->{status}, $status, "a terminal for a page of $origin");
    }

    my $sled = sled($t, 'laptop', path => '/api/sled-uplink',
        $t->options(at => 443, tls => 1, host => 'sleds.example.org',
            token => $laptop),
        preface => "PROXY TCP4 198.51.100.9 127.0.0.1 4711 443\r\n");
    ok($sled, 'a sled registers through the PROXY protocol');
    $sled->close;

    ok(!eval { $t->call(GET => '/api/sled-uplink', at => 443, tls => 1,
        host => 'sleds.example.org') }, 'and nobody without it');

    ok($t->wait_for(sub {
        $t->read_file('uplink.log') =~ m{"GET /api/sled-uplink" 101 };
    }), 'the log has the sled');

    my $log = $t->read_file('uplink.log');
    like($log, qr{^192\.0\.2\.7 via 127\.0\.0\.1 .*"GET /v1/requests" 200}m,
        "with the client's address from the header");
    like($log, qr{^198\.51\.100\.9 via 127\.0\.0\.1 .*/sled-uplink" 101}m,
        'and from the PROXY protocol');

    $t->finish;

    return;
}

sub fleets {
    my ($name) = @_;

    my $t = Uplink::Example->new->secrets;
    my (%operator, %laptop, %tls);

    for my $fleet (qw(red blue)) {
        my $file = "uplink/$fleet.tokens";
        $operator{$fleet} = $t->token("$fleet-alice", 'operator',
            'workspaces=*', $file);
        $laptop{$fleet} = $t->token("$fleet-laptop", 'sled',
            'workspaces=w:agents=laptop', $file);
        $tls{$fleet} = [at => 443, tls => 1, host => "$fleet.example.org"];
    }

    start($t, $name);

    is($t->http(GET => '/ready/blue')->status, 503, 'blue misses its sled');
    is($t->http(GET => '/ready/red')->status, 200, 'red does not');

    # the same agent id in both is two sleds

    my %sled = map { $_ => sled($t, 'laptop', path => '/api/sled-uplink',
        $t->options(@{$tls{$_}}, token => $laptop{$_})) } qw(red blue);

    request($sled{red}, 'r1');

    my $list = sub {
        my ($fleet, $what) = @_;
        return $t->call(GET => "/v1/$what", @{$tls{$fleet}},
            token => $operator{$fleet})->json->{$what};
    };

    my $seen = $t->wait_for(sub {
        my $requests = $list->('red', 'requests');
        return @$requests ? $requests : undef;
    });

    is(scalar @$seen, 1, 'red sees the request of its sled');
    is_deeply($list->('blue', 'requests'), [], 'blue does not');
    is(scalar @{$list->($_, 'sleds')}, 1, "$_ has one sled") for qw(red blue);

    is($t->call(POST => "/v1/requests/$seen->[0]{req_id}/decision",
        @{$tls{blue}}, token => $operator{blue},
        json => { approved => JSON::PP::true })->status, 404,
        'and cannot decide it');
    is($t->call(GET => '/v1/requests', @{$tls{blue}},
        token => $operator{red})->status, 401, "red's credential is no good");

    request($sled{blue}, 'r1');
    is(answer($sled{blue}, 'r1')->{reason}, 'no_operator',
        'blue has limits of its own');

    is($t->http(GET => '/ready/blue')->status, 200, 'and now has it');

    is($t->call(POST => "/v1/requests/$seen->[0]{req_id}/decision",
        @{$tls{red}}, token => $operator{red},
        json => { approved => JSON::PP::false })->status, 200, 'red decides');

    $sled{$_}->close for qw(red blue);
    $t->finish;

    return;
}
