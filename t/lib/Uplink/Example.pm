package Uplink::Example;

# A file of conf-examples/ in a real nginx, as an operator would copy it: it
# is included where /etc/nginx/conf.d is, and all that is changed is
#
#   * a port of this machine: "listen N" is on 127.0.0.1, and every
#     127.0.0.1:N has another, free N, the same one wherever it stands;
#   * /var/log/nginx, which is the folder of the test.
#
#   my $t = Uplink::Example->new;
#   $t->secrets;                         # tls/
#   my $alice = $t->token('alice', 'operator', 'workspaces=*');
#   $t->example('production.conf')->run;
#   my $r = $t->call(GET => '/v1/requests', at => 443, tls => 1,
#       host => 'gateway.example.org', token => $alice);
#
# Port 8081, where the examples have their status, is the test's first one.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha256_hex);

use parent 'Uplink::Test';

my @names = qw(localhost gateway.example.org sleds.example.org
    red.example.org blue.example.org);

# the port of the test for a port of the example

sub at {
    my ($self, $port) = @_;

    $self->{at} //= { 8081 => 0 };
    $self->{at}{$port} //= keys %{$self->{at}};

    return $self->port($self->{at}{$port});
}

sub ports {
    my ($self, $text) = @_;

    $text =~ s/\blisten\s+\K(?=\d+[\s;])/127.0.0.1:/g;
    $text =~ s/\b127\.0\.0\.1:\K(\d+)/$self->at($1)/ge;

    return $text;
}

# example(name, [more text]): its configuration is written

sub example {
    my ($self, $name, $more) = @_;

    my $text = $self->ports($self->read_file(
        "$Uplink::Test::root/conf-examples/$name") . ($more // ''));

    return $self->conf($text =~ s{/var/log/nginx/}{$self->{dir}/}gr);
}

# tls/: the gateway's certificate, and one of a sled named "alpha"; ca.pem
# has signed the first, sleds-ca.pem the second

sub secrets {
    my ($self) = @_;

    my $tls = "$self->{dir}/tls";
    mkdir $tls;

    my $san = join ',', map { "DNS:$_" } @names;
    my $new = 'openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';

    for my $command (
        (map { "$new -x509 -days 2 -subj /CN=$_ -keyout $_.key -out $_.pem" }
            qw(ca sleds-ca)),
        map { my ($who, $ca, $cn, $x) = @$_;
            ("$new -subj /CN=$cn $x -keyout $who.key -out $who.csr",
            "openssl x509 -req -days 2 -in $who.csr -copy_extensions copy"
                . " -CA $ca.pem -CAkey $ca.key -CAcreateserial -out $who.pem")
        } ['gateway', 'ca', 'gateway', "-addext subjectAltName=$san"],
            ['sled', 'sleds-ca', 'alpha', '-addext keyUsage=digitalSignature'])
    {
        system("cd $tls && $command 2>> openssl.log") == 0
            or croak "$command: " . $self->read_file("$tls/openssl.log");
    }

    return $self;
}

# a line in uplink/tokens (or another file): the token

sub token {
    my ($self, $name, $roles, $more, $file) = @_;

    my $path = $file // 'uplink/tokens';
    my $token = join '', map { sprintf '%02x', rand 256 } 1 .. 16;
    mkdir "$self->{dir}/uplink";

    $self->write_file($path, $self->read_file($path)
        . join(':', $name, $roles, sha256_hex($token), $more // ()) . "\n");

    return $token;
}

# what http and ws want for: at => port of the example, host => name,
# token => credential, tls => 1 (the name is verified) or { more options }

sub options {
    my ($self, %arg) = @_;

    my $host = delete $arg{host} // 'localhost';
    my $token = delete $arg{token};
    my $at = delete $arg{at};

    push @{$arg{headers}}, Host => $host;
    push @{$arg{headers}}, Authorization => "Bearer $token" if defined $token;
    $arg{port} = $self->at($at) if $at;

    $arg{tls} = { SSL_hostname => $host, SSL_verifycn_scheme => 'http',
        SSL_verifycn_name => $host, SSL_verify_mode => 1,
        SSL_ca_file => "$self->{dir}/tls/ca.pem",
        ref $arg{tls} ? %{$arg{tls}} : () } if $arg{tls};

    return %arg;
}

sub call {
    my ($self, $method, $path, %arg) = @_;

    return $self->http($method, $path, $self->options(%arg));
}

# a permission asked and answered over REST: the answer of whom has asked.
# The options of call, and asker and decider: their tokens

sub permission {
    my ($self, $asker, $decider, %arg) = @_;

    my %ask = $self->options(%arg, token => $asker);
    my $waiting = $self->start(POST => '/v1/permissions?wait=20', %ask,
        limit => 20, json => { tool_name => 'Bash', workspace_id => 'w',
            tool_input => { command => 'true' } });

    my $id = $self->wait_for(sub {
        my $r = $self->call(GET => '/v1/requests', %arg, token => $decider);
        my $list = ($r->json // {})->{requests} // return;
        return @$list ? $list->[0]{req_id} : undef;
    }, 10) or croak 'nobody sees the request';

    my $r = $self->call(POST => "/v1/requests/$id/decision", %arg,
        token => $decider, json => { approved => JSON::PP::true });
    croak 'not decided: ' . $r->body unless $r->status == 200;

    return $waiting->finish->json;
}

1;
