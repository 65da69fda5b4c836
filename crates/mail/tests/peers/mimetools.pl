# The leaves that MIME::Tools gives, in the form that python.py says.
use strict;
use warnings;
use MIME::Base64;
use MIME::Parser;

binmode STDIN;
$| = 1;
while (defined(my $line = <STDIN>)) {
    my $length = int($line);
    my $raw = '';
    while (length($raw) < $length) {
        last unless read(STDIN, $raw, $length - length($raw), length($raw));
    }
    for my $uu (0, 1) {
        eval {
            my $parser = MIME::Parser->new;
            $parser->output_to_core(1);
            $parser->tmp_to_core(1);
            $parser->decode_headers(0);
            $parser->extract_uuencode($uu);
            my @stack = ($parser->parse_data($raw));
            while (my $entity = pop @stack) {
                push @stack, $entity->parts;
                my $body = $entity->parts ? undef : $entity->bodyhandle;
                print 'B', encode_base64($body->as_string, ''), "\n" if $body && length $body->as_string;
            }
        };
    }
    print "\n";
}
