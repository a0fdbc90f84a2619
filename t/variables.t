#!/usr/bin/perl

# The variables, in an access log: each door, with hostile names.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;

use Uplink::Fleet;
use Uplink::JWT;

my $t = Uplink::Fleet->new;

my @names = qw(role sled user session close bytes_in bytes_out messages port);
my $format = '$uri|$uplink_role|$uplink_sled|$uplink_user|$uplink_session|'
    . '$uplink_close|$uplink_bytes_in|$uplink_bytes_out|$uplink_messages|'
    . '$uplink_port';

my $more = <<'EOC';
        access_log %%DIR%%/doors.log doors;

        location = /echo { uplink_echo; }
        location = /plain { return 204; }
        location = /named { uplink_identity $arg_name; uplink_echo;
            uplink_auth required; }
        location = /jwt {
            uplink_sled main;
            uplink_auth required;
            uplink_auth_jwt_key HS256 file=%%DIR%%/key;
        }
        location = /refused {
            uplink_echo;
            uplink_auth required;
            uplink_identity $arg_name;
        }
EOC

$t->fleet($more);

my $key = 'a key of thirty-two bytes, or so';
$t->write_file('key', $key);

my $conf = $t->read_file('nginx.conf');
$conf =~ s/(\n\s+uplink_zone main)/\n    log_format doors '$format';$1/;
$t->write_file('nginx.conf', $conf);

$t->run;

# the line of the log that matches, as a hash

sub line {
    my ($re) = @_;

    my $line = $t->wait_for(sub {
        my @lines = grep { /$re/ } split /\n/, $t->read_file('doors.log');
        return $lines[-1];
    }) or return {};

    my %value;
    @value{'uri', @names} = split /\|/, $line, -1;

    return \%value;
}

sub is_line {
    my ($re, $name, %want) = @_;

    my $got = line($re);
    my %rest = map { $_ => '-' } @names;

    $want{port} = qr/^[01]$/ if ($want{port} // '') eq 'any';

    for my $key (grep { ref $want{$_} } sort keys %want) {
        like(delete $got->{$key}, delete $want{$key}, "$name: $key");
        delete $rest{$key};
    }

    delete $got->{uri};

    return is_deeply($got, { %rest, %want }, $name);
}

# a location without a door, and REST

$t->http(GET => '/plain');
is_line(qr{^/plain\|}, 'no door');

$t->http(GET => '/v1/sleds');
is_line(qr{^/v1/sleds\|}, 'a call', role => 'api', port => 'any');

my $session = $t->http(POST => '/v1/operators', json => {})->json;
$t->{sessions}{$session->{sid}} = 1;

$t->http(GET => "/v1/operators/$session->{sid}",
    headers => [Authorization => "Bearer $session->{token}"]);
is_line(qr{^/v1/operators/S-[^/]+\|}, 'a call of a session', role => 'api',
    session => $session->{sid}, port => 'any');

$t->http(GET => '/status');
is_line(qr{^/status\|}, 'the status', role => 'status', port => 'any');

# echo: bytes and messages

my $ws = $t->ws('/echo');
$ws->send_text('x' x 10);
$ws->recv;
$ws->send_text('y' x 300);
$ws->recv;
$ws->goodbye(4000);
is_line(qr{^/echo\|}, 'echo', role => 'echo', close => 4000, bytes_in => 310,
    bytes_out => 310, messages => 2);

$ws = $t->ws('/echo');
$ws->close;
is(line(qr{^/echo\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|1006})->{close}, 1006,
    'a connection that was lost');

# names as no one should have them

$ws = $t->ws('/named?name=x');
$ws->goodbye;
is_line(qr{^/named\|}, 'an identity', role => 'echo', user => 'x',
    close => 1000, bytes_in => 0, bytes_out => 0, messages => 0);

my $evil = qq{a"b\\c\x{e9}|d};
my $jwt = Uplink::JWT->new($t->dir)->token('HS256', \$key, { sub => $evil,
    roles => ['sled'], workspaces => ['*'], agents => ['*'],
    exp => time + 600 });

my $sled = $t->ws('/jwt', headers => [Authorization => "Bearer $jwt"]);
$sled->send_json({ type => 'register', req_id => '1', payload => {
    protocol_version => 2, agent_id => 'evil', capabilities => {} } });
my $reply = $sled->await('registered')->{payload};
ok($reply->{success}, 'a sled with a bad name in its token');
$sled->goodbye;

$t->wait_for(sub { $t->read_file('doors.log') =~ /\|evil\|/ });
my ($raw) = grep { /\|evil\|/ } split /\n/, $t->read_file('doors.log');
like($raw, qr{^/jwt\|sled\|evil\|a\\x22b\\x5Cc\\xC3\\xA9\|d\|evil-[0-9a-f]+
    \|1000\|\d+\|\d+\|1\|}x, 'is escaped by the log, in one line');

# a sled that is refused has no name

$ws = $t->ws('/sled');
$ws->send_json({ type => 'register', req_id => '1', payload => {
    protocol_version => 2, agent_id => 'not good', capabilities => {} } });
$ws->await('registered');
$ws->expect_close(1008);
is_line(qr{^/sled\|}, 'a refused sled', role => 'sled', close => 1008,
    bytes_in => qr/^\d+$/, bytes_out => qr/^\d+$/, messages => 1,
    port => 'any');

is($t->handshake('/refused')->{status}, 401, 'no credential');
is_line(qr{^/refused\|}, 'a refused handshake', role => 'echo');

# a terminal, its viewer, its sled and an operator

my ($alpha, $browser) = $t->terminal;

$browser->type('abc');
is($alpha->typed(3), 'abc', 'typed');
$alpha->show('s1', 'hello');
is($browser->shown(5), 'hello', 'shown');

my $viewer = $t->browser(query => 'mode=view&session=s1');
$alpha->replay('s1', 'hello');
ok($viewer->await('terminal.opened'), 'a viewer');

my $op = $t->operator(session => $session);

$viewer->goodbye;
is_line(qr{^/term/i\|viewer\|}, 'a viewer', role => 'viewer', sled => 'alpha',
    session => 's1', close => 1000, bytes_in => 0, bytes_out => qr/^\d\d+$/,
    messages => 0, port => 'any');

$browser->goodbye;
is_line(qr{^/term/i\|terminal\|}, 'a browser', role => 'terminal',
    sled => 'alpha', session => 's1', close => 1000,
    bytes_in => qr/^\d\d+$/, bytes_out => qr/^\d\d+$/, messages => 1,
    port => 'any');

$op->goodbye;
is_line(qr{^/v1/operators/[^/]+/ws\|}, 'an operator', role => 'operator',
    session => $session->{sid}, close => 1000, bytes_in => 0,
    bytes_out => 0, messages => 0, port => 'any');

my $id = $alpha->{registered}{connection_id};
$alpha->goodbye;
is_line(qr{^/sled\|sled\|alpha\|}, 'a sled', role => 'sled', sled => 'alpha',
    session => $id, close => 1000, bytes_in => qr/^\d\d+$/,
    bytes_out => qr/^\d\d+$/, messages => qr/^[5-9]$/, port => 'any');

unlike($t->read_file('doors.log'), qr/\Q$session->{token}\E|\Q$jwt\E/,
    'no secret in it');

$t->finish;

done_testing;
