package Uplink::Audit;

# A fleet with an audit log, for the tests of it.
#
#   my $t = Uplink::Audit->new;
#   $t->audit('input=on', 'more lines for the server block')->run;
#   my @asked = $t->said('asked');       # lines as data, oldest first
#   my $line = $t->await_said('decided', req_id => $id);
#   my ($code, $text) = $t->verify;      # sled audit-verify
#
# A line that died with its writer and was written by another one counts once.

use strict;
use warnings;

use JSON::PP ();
use Uplink::Test;

use parent 'Uplink::Fleet';

my $json = JSON::PP->new->utf8;

# audit(parameters, [lines for the server block], [path => '%%DIR%%/audit.log',
#     http => more lines, auth => lines for "uplink_auth off;", options of
#     fleet])

sub audit {
    my ($self, $parameters, $more, %arg) = @_;

    my $path = delete $arg{path} // '%%DIR%%/audit.log';
    my $http = delete $arg{http} // '';
    my $auth = delete $arg{auth} // 'uplink_auth off;';
    my %own = map { $_ => delete $arg{$_} } qw(size memory listen);

    my $fleet = $self->fleet_text($more, %own) =~ s/uplink_auth off;/$auth/r;

    return $self->conf("uplink_audit_log $path $parameters;\n$http\n$fleet",
        %arg);
}

# every whole line of these files, in order

sub whole_lines {
    my ($self, @files) = @_;

    @files = 'audit.log' if !@files;

    my @lines;

    for my $file (@files) {
        for my $text (split /\n/, $self->read_file($file)) {
            my ($whole) = $text =~ /(\{"chain":"(?:(?!\{"chain":").)*\})\z/
                or next;
            my $line = eval { $json->decode($whole) } or next;

            push @lines, $line;
        }
    }

    return @lines;
}

# without those that stand there for the second time

sub lines {
    my ($self, @files) = @_;

    my (@lines, %seen);

    for my $line ($self->whole_lines(@files)) {
        $seen{"$line->{chain} $line->{seq}"} = 1;

        if ($line->{again_chain}) {
            my $first = "$line->{again_chain} $line->{again_seq}";
            next if $seen{$first}++;
        }

        push @lines, $line;
    }

    return @lines;
}

# lines of this event, [members that they have]

sub said {
    my ($self, $event, %has) = @_;

    my @lines;

    LINE: for my $line ($self->lines(@{$self->{files} // []})) {
        next if $line->{event} ne $event;

        for my $name (keys %has) {
            next LINE if ($line->{$name} // '') ne $has{$name};
        }

        push @lines, $line;
    }

    return @lines;
}

# the first of them, as soon as it is there

sub await_said {
    my ($self, @what) = @_;

    return $self->wait_for(sub { ($self->said(@what))[0] });
}

# the program that verifies, on these files of the test's folder

sub verify {
    my ($self, @files) = @_;

    @files = 'audit.log' if !@files;

    my $build = $ENV{BUILD} // "$Uplink::Test::root/build";
    $build = "$Uplink::Test::root/$build" unless $build =~ m{^/};
    $build .= '/san' if $ENV{UPLINK_SAN};

    my $text = `cd $self->{dir} && $build/sled audit-verify @files 2>&1`;

    return ($? >> 8, $text);
}

1;
